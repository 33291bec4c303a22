using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>What tokenizer.json's <c>normalizer</c> does to a text before it is cut into words.</summary>
internal static class Normalizers
{
    private const string Known = "Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, BertNormalizer or Precompiled";

    public static string Identity(string text) => text;

    /// <exception cref="LoraException">The file asks for a normalizer that is not implemented.</exception>
    public static Func<string, string> Read(JsonPart part)
    {
        if (part.IsNull)
        {
            return Identity;
        }

        switch (part.Type)
        {
            case "Sequence":
                var steps = part["normalizers"].Items.Select(Read).ToArray();
                return text => steps.Aggregate(text, (result, step) => step(result));
            case "Prepend":
                var prefix = part["prepend"].Text;
                return text => text.Length == 0 ? text : prefix + text;
            case "Replace":
                return Replace(part);
            case "NFC" or "NFD" or "NFKC" or "NFKD":
                var form = Enum.Parse<NormalizationForm>($"Form{part.Type[2..]}");
                return text => Unicode(text, form);
            case "Lowercase":
                return Lower;
            case "Strip":
                var (left, right) = (part["strip_left"].Flag(absent: true), part["strip_right"].Flag(absent: true));
                return text => right ? (left ? text.Trim() : text.TrimEnd()) : left ? text.TrimStart() : text;
            case "StripAccents":
                return text => Without(text, UnicodeCategory.NonSpacingMark, UnicodeCategory.SpacingCombiningMark, UnicodeCategory.EnclosingMark);
            case "BertNormalizer":
                var lowercase = part["lowercase"].Flag(absent: true);
                return BertText.Normalizer(
                    clean: part["clean_text"].Flag(absent: true),
                    isolateChinese: part["handle_chinese_chars"].Flag(absent: true),
                    stripAccents: part["strip_accents"].Flag(absent: lowercase),
                    lowercase);
            case "Precompiled":
                return UnigramModel.Normalizer(Bytes(part["precompiled_charsmap"]));
            default:
                throw part["type"].Refusal(Known);
        }
    }

    /// <summary>Lower case; .NET's own leaves the one letter as it is whose lower case are two characters.</summary>
    public static string Lower(string text) => text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Unicode normalization.</summary>
    /// <exception cref="LoraException">The program runs without Unicode's tables, where .NET would return the text as it is and say nothing.</exception>
    public static string Unicode(string text, NormalizationForm form)
        => Ascii.IsValid(text) || "\u00e9".Normalize(NormalizationForm.FormD).Length == 2
            ? text.Normalize(form)
            : throw new LoraException(
                $"The tokenizer normalizes Unicode ({form}): expected a program with <InvariantGlobalization>false</InvariantGlobalization>, found one that is invariant, in which .NET cannot normalize a text that is not ASCII.");

    /// <summary>A text without the characters of some categories.</summary>
    public static string Without(string text, params ReadOnlySpan<UnicodeCategory> categories)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!categories.Contains(Rune.GetUnicodeCategory(rune)))
            {
                result.Append(rune.ToString());
            }
        }

        return result.ToString();
    }

    private static Func<string, string> Replace(JsonPart part)
    {
        var content = part["content"].Text;
        if (part["pattern"]["String"] is { IsNull: false } literal)
        {
            var old = literal.Text is { Length: > 0 } text ? text : throw literal.Refusal("a string that is not empty");
            return text => text.Replace(old, content, StringComparison.Ordinal);
        }

        var pattern = SplitPattern.Regex(part["pattern"]["Regex"]);
        var replacement = content.Replace("$", "$$", StringComparison.Ordinal);
        return text => pattern.Replace(text, replacement);
    }

    private static byte[] Bytes(JsonPart part)
        => part.Value.TryGetBytesFromBase64(out var bytes) ? bytes : throw part.Refusal("a Base64 string");
}
