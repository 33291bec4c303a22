using System.Text;

namespace LoraGen.Transformers.Tokenizers;

/// <summary>
/// GPT-2's printable alphabet for bytes: printable Latin-1 bytes stand for themselves, every other byte b is shown as a character from
/// U+0100 on, so that a vocabulary file is plain text.
/// </summary>
internal static class ByteLevelAlphabet
{
    private static readonly char[] ByByte = Build();
    private static readonly Dictionary<char, byte> ByCharacter = ByByte.Select((character, b) => (character, b)).ToDictionary(pair => pair.character, pair => (byte)pair.b);

    /// <summary>All 256 characters, in the order of GPT-2's vocabulary: the printable bytes first.</summary>
    public static IEnumerable<char> Ordered => ByByte.Order();

    /// <summary>The characters that stand for the UTF-8 bytes of a text.</summary>
    public static string Encode(string text) => new([.. Encoding.UTF8.GetBytes(text).Select(b => ByByte[b])]);

    /// <summary>The bytes that a token of the alphabet stands for, or null where another character is in it.</summary>
    public static byte[]? Decode(string token)
    {
        var result = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            if (!ByCharacter.TryGetValue(token[i], out result[i]))
            {
                return null;
            }
        }

        return result;
    }

    private static char[] Build()
    {
        var result = new char[256];
        var next = 256;
        for (var b = 0; b < result.Length; b++)
        {
            var printable = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            result[b] = (char)(printable ? b : next++);
        }

        return result;
    }
}
