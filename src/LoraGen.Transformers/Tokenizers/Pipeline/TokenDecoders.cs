using System.Text;
using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>
/// The bytes that a token stands for. A token alone does not always stand for whole characters: only the bytes of several make the text.
/// </summary>
/// <param name="token">The token as the vocabulary spells it.</param>
/// <param name="first">Whether the text begins with it.</param>
internal delegate byte[] TokenSpelling(string token, bool first);

/// <summary>What tokenizer.json's <c>decoder</c> asks for.</summary>
internal static class TokenDecoders
{
    private const string Known = "ByteLevel, WordPiece, Metaspace, or a Sequence of Replace, ByteFallback, Fuse and Strip";

    /// <exception cref="LoraException">The file asks for a decoder that is not implemented.</exception>
    public static TokenSpelling Read(JsonPart part)
    {
        if (part.IsNull)
        {
            return (token, first) => Encoding.UTF8.GetBytes(first ? token : " " + token);
        }

        return part.Type switch
        {
            "ByteLevel" => ByteLevel,
            "WordPiece" => WordPiece(part["prefix"].TextOr("##"), part["cleanup"].Flag(absent: true)),
            "Metaspace" => Metaspace(part["replacement"].TextOr("\u2581"), strip: PreTokenizers.PrependScheme(part) != "never"),
            "Sequence" => Sequence(part["decoders"]),
            _ => throw part["type"].Refusal(Known),
        };
    }

    // An added token need not be spelt in the alphabet; then its text is meant.
    public static byte[] ByteLevel(string token, bool first) => ByteLevelAlphabet.Decode(token) ?? Encoding.UTF8.GetBytes(token);

    public static TokenSpelling WordPiece(string prefix, bool cleanup) => (token, first) =>
    {
        var text = first ? token : token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        return Encoding.UTF8.GetBytes(cleanup ? CleanUp(text) : text);
    };

    /// <summary>SentencePiece's own: visible spaces become spaces, bytes become bytes, and the space that was put before the text goes.</summary>
    public static TokenSpelling SentencePiece(bool strip) => (token, first) => Byte(token) is { } single
        ? [single]
        : Encoding.UTF8.GetBytes(first && strip ? StripStart(token.Replace('\u2581', ' '), " ", 1) : token.Replace('\u2581', ' '));

    private static TokenSpelling Metaspace(string replacement, bool strip)
        => (token, first) => Encoding.UTF8.GetBytes(token.Replace(replacement, first && strip ? "" : " ", StringComparison.Ordinal));

    private static TokenSpelling Sequence(JsonPart decoders)
    {
        var steps = new List<Func<string, bool, string>>();
        var (fallback, fused) = (false, false);
        foreach (var part in decoders.Items)
        {
            switch (part.Type)
            {
                case "ByteLevel" or "WordPiece" or "Metaspace" when decoders.Items.Count() == 1:
                    return Read(part);
                case "Replace":
                    var (old, content) = (part["pattern"]["String"].Text, part["content"].Text);
                    steps.Add((text, _) => text.Replace(old, content, StringComparison.Ordinal));
                    break;
                case "ByteFallback":
                    fallback = true;
                    break;
                case "Fuse":
                    fused = true;
                    break;
                // After Fuse there is one text, of which the first token alone is the start. Its end is not known before the last token.
                case "Strip" when fused:
                    var (stripped, count) = (part["content"].Text, part["start"].Number);
                    if (part["stop"].Number != 0)
                    {
                        throw part["stop"].Refusal("0");
                    }

                    steps.Add((text, first) => first ? StripStart(text, stripped, count) : text);
                    break;
                default:
                    throw part["type"].Refusal(Known);
            }
        }

        return (token, first) => fallback && Byte(token) is { } single
            ? [single]
            : Encoding.UTF8.GetBytes(steps.Aggregate(token, (text, step) => step(text, first)));
    }

    /// <summary>The byte of a token like <c>&lt;0xE4&gt;</c>, or null.</summary>
    public static byte? Byte(string token)
        => token is ['<', '0', 'x', _, _, '>'] && byte.TryParse(token.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var value) ? value : null;

    private static string StripStart(string text, string content, int count)
    {
        for (; count > 0 && text.StartsWith(content, StringComparison.Ordinal); count--)
        {
            text = text[content.Length..];
        }

        return text;
    }

    private static string CleanUp(string text) => text
        .Replace(" .", ".", StringComparison.Ordinal).Replace(" ?", "?", StringComparison.Ordinal)
        .Replace(" !", "!", StringComparison.Ordinal).Replace(" ,", ",", StringComparison.Ordinal)
        .Replace(" ' ", "'", StringComparison.Ordinal).Replace(" n't", "n't", StringComparison.Ordinal)
        .Replace(" 'm", "'m", StringComparison.Ordinal).Replace(" do not", " don't", StringComparison.Ordinal)
        .Replace(" 's", "'s", StringComparison.Ordinal).Replace(" 've", "'ve", StringComparison.Ordinal)
        .Replace(" 're", "'re", StringComparison.Ordinal);
}
