using System.Text.RegularExpressions;
using SdkDocs.Data;

namespace SdkDocs.Pretraining;

/// <summary>
/// Gives identifiers that a summary repeats from its signature a random new name in both. Without it a small model learns the names of
/// the class library by heart and, before a name that it has never seen, writes one that it knows; with it, copying is what pays.
/// </summary>
internal sealed partial class IdentifierRenaming
{
    private const double Probability = 0.7;
    private const int MostWords = 4;

    private readonly string[] _words;

    /// <summary>Takes the words of new names from the members' own identifiers.</summary>
    public IdentifierRenaming(IEnumerable<DocMember> members)
        => _words = [.. members.SelectMany(member => Word().Matches(member.Signature)).Select(match => match.Value).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The member with some of the shared identifiers renamed.</summary>
    public DocMember Apply(DocMember member, Random random)
    {
        var inSignature = Identifiers(member.Signature);
        var names = Identifiers(member.Summary)
            .Where(name => inSignature.Contains(name) && random.NextDouble() < Probability)
            .ToDictionary(name => name, _ => NewName(random));
        return member with { Signature = Rename(member.Signature), Summary = Rename(member.Summary) };

        string Rename(string text) => Identifier().Replace(text, match => names.GetValueOrDefault(match.Value, match.Value));
    }

    private static HashSet<string> Identifiers(string text) => [.. Identifier().Matches(text).Select(match => match.Value)];

    private string NewName(Random random) => string.Concat(random.GetItems(_words, random.Next(1, MostWords + 1)));

    [GeneratedRegex(@"\b\p{Lu}[\p{L}\p{N}_]+\b", RegexOptions.CultureInvariant)]
    private static partial Regex Identifier();

    [GeneratedRegex(@"\p{Lu}\p{Ll}+|\p{Lu}{2,}(?!\p{Ll})", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
