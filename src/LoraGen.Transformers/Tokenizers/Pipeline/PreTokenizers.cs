using System.Text.RegularExpressions;
using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>Cuts normalized text into the words that a model sees one by one.</summary>
/// <param name="text">The text between two added tokens.</param>
/// <param name="atStart">Whether the whole text begins with it.</param>
internal delegate IEnumerable<string> PreTokenizer(string text, bool atStart);

/// <summary>What tokenizer.json's <c>pre_tokenizer</c> asks for.</summary>
internal static partial class PreTokenizers
{
    private const string Known = "Sequence, ByteLevel, Split, Metaspace, BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation or Digits";

    public static IEnumerable<string> Whole(string text, bool atStart) => [text];

    /// <exception cref="LoraException">The file asks for a pre-tokenizer that is not implemented.</exception>
    public static PreTokenizer Read(JsonPart part)
    {
        if (part.IsNull)
        {
            return Whole;
        }

        switch (part.Type)
        {
            case "Sequence":
                return Sequence([.. part["pretokenizers"].Items.Select(Read)]);
            case "ByteLevel":
                return ByteLevel(part["add_prefix_space"].Flag(absent: true), part["use_regex"].Flag(absent: true) ? SplitPattern.Gpt2 : null);
            case "Split":
                return Of(SplitPattern.Read(part));
            case "Metaspace":
                return Metaspace(part["replacement"].TextOr("\u2581"), PrependScheme(part), part["split"].Flag(absent: true));
            case "BertPreTokenizer":
                return (text, _) => BertText.Words(text);
            case "Whitespace":
                return Of(new SplitPattern(WordsAndMarks(), "Removed", invert: true));
            case "WhitespaceSplit":
                return Of(new SplitPattern(Spaces(), "Removed"));
            case "Punctuation":
                return Of(new SplitPattern(Marks(), SplitPattern.Behavior(part["behavior"])));
            case "Digits":
                return Of(new SplitPattern(Digit(), part["individual_digits"].Flag(absent: false) ? "Isolated" : "Contiguous"));
            default:
                throw part["type"].Refusal(Known);
        }
    }

    /// <summary>Shows the UTF-8 bytes of each word in GPT-2's alphabet.</summary>
    public static PreTokenizer ByteLevel(bool addPrefixSpace, SplitPattern? split) => (text, _) =>
    {
        text = addPrefixSpace && !text.StartsWith(' ') ? " " + text : text;
        return (split?.Split(text) ?? [text]).Select(ByteLevelAlphabet.Encode);
    };

    /// <summary>SentencePiece's: white space becomes a visible character, with which each word begins.</summary>
    /// <param name="replacement">The visible character.</param>
    /// <param name="prepend">Whether one is put before: <c>always</c>, before the <c>first</c> word of the whole text, or <c>never</c>.</param>
    /// <param name="split">Whether words are cut there.</param>
    public static PreTokenizer Metaspace(string replacement, string prepend, bool split)
    {
        var words = new SplitPattern(new Regex(Regex.Escape(replacement), RegexOptions.CultureInvariant), "MergedWithNext");
        return (text, atStart) =>
        {
            text = text.Replace(" ", replacement, StringComparison.Ordinal);
            if ((prepend == "always" || (prepend == "first" && atStart)) && !text.StartsWith(replacement, StringComparison.Ordinal))
            {
                text = replacement + text;
            }

            return split ? words.Split(text) : [text];
        };
    }

    /// <summary>A Metaspace's scheme; older files have a switch instead.</summary>
    public static string PrependScheme(JsonPart part)
    {
        var scheme = part["prepend_scheme"];
        return scheme.IsNull
            ? part["add_prefix_space"].Flag(absent: true) ? "always" : "never"
            : scheme.Text is "always" or "first" or "never" ? scheme.Text : throw scheme.Refusal("always, first or never");
    }

    public static PreTokenizer Of(SplitPattern pattern) => (text, _) => pattern.Split(text);

    public static PreTokenizer Sequence(params IReadOnlyList<PreTokenizer> steps) => (text, atStart) => steps.Aggregate(
        (IEnumerable<string>)[text],
        (words, step) => words.SelectMany((word, index) => step(word, atStart && index == 0)));

    [GeneratedRegex(@"\w+|[^\w\s]+", RegexOptions.CultureInvariant)]
    private static partial Regex WordsAndMarks();

    [GeneratedRegex(@"\s", RegexOptions.CultureInvariant)]
    private static partial Regex Spaces();

    [GeneratedRegex(@"[!-/:-@\[-`{-~\p{P}]", RegexOptions.CultureInvariant)]
    private static partial Regex Marks();

    [GeneratedRegex(@"\p{N}", RegexOptions.CultureInvariant)]
    private static partial Regex Digit();
}
