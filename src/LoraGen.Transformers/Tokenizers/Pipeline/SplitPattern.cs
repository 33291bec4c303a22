using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>
/// Cuts a text where a pattern matches. .NET matches UTF-16 units, Hugging Face whole characters: a character outside the basic plane is
/// shown to the pattern as one of the basic plane in the same Unicode category.
/// </summary>
internal sealed partial class SplitPattern(Regex pattern, string behavior, bool invert = false)
{
    private static readonly char[] StandIns = FindStandIns();

    /// <summary>GPT-2's pattern, which ByteLevel stands for.</summary>
    public static SplitPattern Gpt2 { get; } = new(Gpt2Words(), "Isolated");

    /// <exception cref="LoraException">The file asks for a behaviour that does not exist, or for a pattern that .NET does not read.</exception>
    public static SplitPattern Read(JsonPart part)
    {
        var literal = part["pattern"]["String"];
        return new(
            literal.IsNull ? Regex(part["pattern"]["Regex"]) : new Regex(System.Text.RegularExpressions.Regex.Escape(literal.Text), RegexOptions.CultureInvariant),
            Behavior(part["behavior"]),
            part["invert"].Flag(absent: false));
    }

    public static string Behavior(JsonPart part, string absent = "Isolated") => part.TextOr(absent) is
        "Isolated" or "Removed" or "MergedWithPrevious" or "MergedWithNext" or "Contiguous"
        ? part.TextOr(absent)
        : throw part.Refusal("Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous");

    /// <exception cref="LoraException">.NET does not read the pattern.</exception>
    public static Regex Regex(JsonPart part)
    {
        try
        {
            return new(part.Text, RegexOptions.CultureInvariant | RegexOptions.Compiled);
        }
        catch (ArgumentException e)
        {
            throw part.Refusal($"a pattern that .NET reads ({e.Message})", e);
        }
    }

    public IEnumerable<string> Split(string text)
    {
        var (shown, starts) = Show(text);
        var pieces = new List<(string Text, bool IsCut)>();
        var done = 0;
        foreach (var match in pattern.EnumerateMatches(shown))
        {
            Add(done, match.Index, invert);
            Add(match.Index, match.Index + match.Length, !invert);
            done = match.Index + match.Length;
        }

        Add(done, shown.Length, invert);
        return Arrange(pieces);

        void Add(int start, int end, bool isCut)
        {
            if (end > start)
            {
                pieces.Add((starts is null ? text[start..end] : text[starts[start]..starts[end]], isCut));
            }
        }
    }

    private IEnumerable<string> Arrange(List<(string Text, bool IsCut)> pieces) => behavior switch
    {
        "Removed" => pieces.Where(piece => !piece.IsCut).Select(piece => piece.Text),
        "MergedWithPrevious" => Joined(pieces, (last, next) => !last.IsCut && next.IsCut),
        "MergedWithNext" => Joined(pieces, (last, next) => last.IsCut && !next.IsCut),
        "Contiguous" => Joined(pieces, (last, next) => last.IsCut == next.IsCut),
        _ => pieces.Select(piece => piece.Text),
    };

    private static IEnumerable<string> Joined(List<(string Text, bool IsCut)> pieces, Func<(string, bool IsCut), (string, bool IsCut), bool> joins)
    {
        for (var i = 0; i < pieces.Count; i++)
        {
            var text = pieces[i].Text;
            for (; i + 1 < pieces.Count && joins(pieces[i], pieces[i + 1]); i++)
            {
                text += pieces[i + 1].Text;
            }

            yield return text;
        }
    }

    // The text as the pattern sees it, and where each of its characters begins in the text; null where they are the same.
    private static (string Shown, int[]? Starts) Show(string text)
    {
        if (!text.Any(char.IsSurrogate))
        {
            return (text, null);
        }

        var (shown, starts) = (new StringBuilder(text.Length), new List<int>(text.Length));
        var start = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            shown.Append(rune.IsBmp ? (char)rune.Value : StandIns[(int)Rune.GetUnicodeCategory(rune)]);
            starts.Add(start);
            start += rune.Utf16SequenceLength;
        }

        return (shown.ToString(), [.. starts, start]);
    }

    private static char[] FindStandIns()
    {
        var result = new char[30];
        for (var character = '\uffff'; character > '\u007f'; character--)
        {
            result[(int)CharUnicodeInfo.GetUnicodeCategory(character)] = character;
        }

        return result;
    }

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Gpt2Words();
}
