using System.Text;

namespace LoraGen.Tests.Reference;

/// <summary>Bit flips, cuts, splices, and numbers put for numbers: one to three of them at a time.</summary>
internal sealed class Mutations(int seed, byte[][] sources)
{
    private static readonly byte[][] Pieces =
    [
        .. new[] { "{", "}", "[", "]", "\"", ",", ":", "null", "true", "1e999", "\\u0000", "\\ud800", "F64", "I64", "(((", "tR", "q\0", "h\0", "j\xFF\xFF\xFF\xFF", "\x85", "\x87", "\x8A\x08", "X\xFF\xFF\xFF\x7F", "cos\nsystem\n", "PK\x01\x02" }
            .Select(Encoding.Latin1.GetBytes),
    ];

    private static readonly string[] Numbers = ["0", "-1", "1", "2", "3", "8", "255", "65536", "4294967295", "9223372036854775807", "99999999999999999999", "0.5", "1e300"];

    private readonly Random _random = new(seed);

    public byte[] Of(byte[] whole)
    {
        var bytes = whole.ToList();
        for (var times = Math.Max(1, _random.Next(-2, 4)); times > 0 && bytes.Count > 0; times--)
            Change(bytes, _random.Next(bytes.Count));
        return [.. bytes];
    }

    private void Change(List<byte> bytes, int place)
    {
        var length = Math.Min(_random.Next(1, 60), bytes.Count - place);
        switch (_random.Next(9))
        {
            case 0:
                bytes[place] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                bytes[place] = (byte)_random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(place, length);
                break;
            case 3:
                bytes.RemoveRange(place, bytes.Count - place);
                break;
            case 4:
                var source = sources[_random.Next(sources.Length)];
                var from = _random.Next(source.Length);
                bytes.InsertRange(place, source.AsSpan(from, Math.Min(length, source.Length - from)).ToArray());
                break;
            case 5:
                bytes.InsertRange(place, Pieces[_random.Next(Pieces.Length)]);
                break;
            case 6:
                // A field of four bytes, as lengths and offsets of the formats are.
                for (var i = place; i < Math.Min(place + 4, bytes.Count); i++)
                    bytes[i] = _random.Next(2) == 0 ? (byte)0xFF : (byte)_random.Next(3);
                break;
            case 7:
                Renumber(bytes, place);
                break;
            default:
                (bytes[place], bytes[_random.Next(bytes.Count)]) = (bytes[_random.Next(bytes.Count)], bytes[place]);
                break;
        }
    }

    // The next digits become another number.
    private void Renumber(List<byte> bytes, int place)
    {
        var begin = bytes.FindIndex(place, letter => char.IsAsciiDigit((char)letter));
        if (begin < 0)
            return;
        var end = bytes.FindIndex(begin, letter => !char.IsAsciiDigit((char)letter));
        bytes.RemoveRange(begin, (end < 0 ? bytes.Count : end) - begin);
        bytes.InsertRange(begin, Encoding.ASCII.GetBytes(Numbers[_random.Next(Numbers.Length)]));
    }
}
