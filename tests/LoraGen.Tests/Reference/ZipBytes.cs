using System.Buffers.Binary;
using System.Text;

namespace LoraGen.Tests.Reference;

/// <summary>The zip format written byte by byte from its description, so that a test can lie in any field.</summary>
internal static class ZipBytes
{
    /// <summary>One entry; what is not said is true.</summary>
    public sealed record Entry(string Name, byte[] Data)
    {
        public ushort Flags { get; init; }

        public ushort Method { get; init; }

        public uint? CompressedLength { get; init; }

        public uint? Length { get; init; }

        /// <summary>The name of the entry whose bytes are this one's too.</summary>
        public string? SharedWith { get; init; }
    }

    public static byte[] Write(params IEnumerable<Entry> entries)
    {
        var (file, directory, offsets) = (new List<byte>(), new List<byte>(), new Dictionary<string, int>());
        var count = 0;
        foreach (var entry in entries)
        {
            count++;
            var name = Encoding.UTF8.GetBytes(entry.Name);
            offsets.TryAdd(entry.Name, file.Count);
            var offset = offsets[entry.SharedWith ?? entry.Name];
            var fields = Fields(entry, name.Length);
            if (offset == file.Count)
                file.AddRange([.. "PK\x03\x04"u8, .. fields, .. U16(0), .. name, .. entry.Data]);
            directory.AddRange([.. "PK\x01\x02"u8, .. U16(20), .. fields, .. U16(0), .. U16(0), .. U16(0), .. U16(0), .. U32(0), .. U32((uint)offset), .. name]);
        }

        return [.. file, .. directory, .. "PK\x05\x06"u8, .. U16(0), .. U16(0), .. U16(count), .. U16(count), .. U32((uint)directory.Count), .. U32((uint)file.Count), .. U16(0)];
    }

    // Version, flags, method, time, date, checksum, lengths: the same in both headers. torch may write checksums that do not fit: 0.
    private static byte[] Fields(Entry entry, int nameLength) =>
    [
        .. U16(20), .. U16(entry.Flags), .. U16(entry.Method), .. U16(0), .. U16(0), .. U32(0),
        .. U32(entry.CompressedLength ?? (uint)entry.Data.Length), .. U32(entry.Length ?? (uint)entry.Data.Length), .. U16(nameLength),
    ];

    private static byte[] U16(int value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
        return bytes;
    }

    private static byte[] U32(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
