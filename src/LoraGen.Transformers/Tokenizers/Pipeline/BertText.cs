using System.Globalization;
using System.Text;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>BERT's basic tokenization: clean the text, then cut it at white space and around every punctuation mark.</summary>
internal static class BertText
{
    public static Func<string, string> Normalizer(bool clean, bool isolateChinese, bool stripAccents, bool lowercase) => text =>
    {
        if (clean)
        {
            text = Clean(text);
        }

        if (isolateChinese)
        {
            text = string.Concat(text.EnumerateRunes().Select(rune => IsChinese(rune.Value) ? $" {rune} " : rune.ToString()));
        }

        if (stripAccents)
        {
            text = Normalizers.Without(Normalizers.Unicode(text, NormalizationForm.FormD), UnicodeCategory.NonSpacingMark);
        }

        return lowercase ? Normalizers.Lower(text) : text;
    };

    public static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            var (space, mark) = (Rune.IsWhiteSpace(rune), IsPunctuation(rune));
            if ((space || mark) && word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }

            if (mark)
            {
                yield return rune.ToString();
            }
            else if (!space)
            {
                word.Append(rune.ToString());
            }
        }

        if (word.Length > 0)
        {
            yield return word.ToString();
        }
    }

    /// <summary>Punctuation, and all of ASCII that is no letter, digit, space or control.</summary>
    public static bool IsPunctuation(Rune rune)
        => rune.IsAscii
            ? rune.Value is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~')
            : Rune.GetUnicodeCategory(rune) is UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
                or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation;

    // Tabs and line breaks are controls, but count as white space.
    private static string Clean(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is '\t' or '\n' or '\r' || Rune.IsWhiteSpace(rune) && Rune.GetUnicodeCategory(rune) != UnicodeCategory.Control)
            {
                result.Append(' ');
            }
            else if (rune.Value != 0xFFFD && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse))
            {
                result.Append(rune.ToString());
            }
        }

        return result.ToString();
    }

    private static bool IsChinese(int value)
        => value is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
            or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
