using System.Text.RegularExpressions;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>
/// docs/generated-code.md shows two generated files whole. Above each piece of one stands <c>&lt;!-- file: words --&gt;</c>: the piece begins
/// with the paragraph that has these words and goes to where the next one begins. With <c>ACCEPT_SNAPSHOTS=1</c> the pieces are cut anew.
/// </summary>
public sealed partial class GeneratedCodePageTests
{
    private static readonly string Page = Path.Combine(Repository.Root, "docs/generated-code.md");

    [Fact]
    public void Its_classes_compile_without_a_warning() => Assert.Empty(Run(Text()).Complaints);

    [Fact]
    public void Its_pieces_are_all_that_is_generated_in_order()
    {
        var page = Text();
        var expected = WithPieces(page, Run(page).Files);
        if (Snapshot.IsToBeAccepted)
        {
            File.WriteAllText(Page, expected);
        }

        Assert.Equal(expected, Text());
    }

    private static string Text() => File.ReadAllText(Page).ReplaceLineEndings("\n");

    private static GeneratorRun Run(string page) => GeneratorRun.Of([.. Sample().Matches(page).Select(sample => sample.Groups["code"].Value)]);

    private static string WithPieces(string page, IReadOnlyDictionary<string, string> files)
    {
        var ends = new Dictionary<string, int>();
        var rewritten = Piece().Replace(page, piece =>
        {
            var (name, next) = (piece.Groups["file"].Value, piece.NextMatch());
            var (text, start) = (files[name], ends.GetValueOrDefault(name));
            Assert.Equal(start, StartOf(piece, text, start));
            ends[name] = next.Groups["file"].Value == name ? StartOf(next, text, start) : text.Length;
            return $"{piece.Groups["mark"].Value}{text[start..ends[name]].Trim('\n')}\n```\n";
        });
        Assert.Equal(["Decoder.g.cs", "Classifier.g.cs"], ends.Keys);
        return rewritten;
    }

    private static int StartOf(Match piece, string text, int from)
    {
        var words = text.IndexOf(piece.Groups["words"].Value, from, StringComparison.Ordinal);
        Assert.True(words >= 0, $"Not generated, or not in this order: {piece.Groups["words"].Value}");
        var paragraph = text.LastIndexOf("\n\n", words, StringComparison.Ordinal);
        return paragraph < 0 ? 0 : paragraph + "\n\n".Length;
    }

    [GeneratedRegex("(?<mark><!-- (?<file>\\S+): (?<words>[^\n]+) -->\n```csharp\n)(?<code>.*?)```\n", RegexOptions.Singleline)]
    private static partial Regex Piece();

    // A class of the reader's: code with no mark above it.
    [GeneratedRegex("(?<!-->\n)```csharp\n(?<code>.*?)```\n", RegexOptions.Singleline)]
    private static partial Regex Sample();
}
