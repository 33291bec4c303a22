using System.Buffers.Binary;
using System.Text;
using LoraGen.Files;

namespace LoraGen.TorchZip;

/// <summary>The bytes of a pickle, taken one opcode or argument after the other.</summary>
/// <param name="place">What messages begin with.</param>
/// <param name="bytes">All of them.</param>
internal sealed class PickleInput(string place, byte[] bytes)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private int _at;
    private int _opcodeAt;

    /// <summary>How many bytes are left.</summary>
    public int Left => bytes.Length - _at;

    public char Opcode()
    {
        _opcodeAt = _at;
        return (char)Byte();
    }

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    /// <summary>An integer in two's complement after its length in bytes.</summary>
    public long LongInteger()
    {
        var digits = Take(Byte());
        if (digits.Length > sizeof(long))
        {
            throw Bad("an integer of at most 8 bytes", $"one of {digits.Length}");
        }

        var value = 0L;
        for (var i = digits.Length - 1; i >= 0; i--)
        {
            value = (value << 8) | digits[i];
        }

        // The last byte's highest bit is the sign.
        var unused = 64 - (8 * digits.Length);
        return digits.Length == 0 ? 0 : value << unused >> unused;
    }

    /// <summary>A text after its length in bytes.</summary>
    public string Text() => Decoded(Take(UInt32()));

    /// <summary>A text up to the end of its line.</summary>
    public string Line()
    {
        var length = bytes.AsSpan(_at).IndexOf((byte)'\n');
        if (length < 0)
        {
            throw Bad("a line", "no end of it");
        }

        var line = Decoded(Take((uint)length));
        _at++;
        return line;
    }

    /// <summary>What is said of the opcode that was taken last.</summary>
    public LoraException Bad(string expected, string found, Exception? cause = null)
        => new($"{place}: byte {_opcodeAt}: expected {expected}, found {Excerpt.Of(found)}.", cause);

    private ReadOnlySpan<byte> Take(uint count)
    {
        if (count > Left)
        {
            throw Bad($"{count} more bytes", $"{Left}");
        }

        _at += (int)count;
        return bytes.AsSpan(_at - (int)count, (int)count);
    }

    private string Decoded(ReadOnlySpan<byte> text)
    {
        try
        {
            return StrictUtf8.GetString(text);
        }
        catch (DecoderFallbackException e)
        {
            throw Bad("a text in UTF-8", "other bytes", e);
        }
    }
}
