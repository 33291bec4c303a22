using System.Buffers.Binary;
using System.Text;

namespace LoraGen.Package.Tests;

/// <summary>
/// Builds the smallest ELF shared library that has version needs, or version definitions, byte by byte from the specification. It shares
/// nothing with the code under test, and remembers where it put each flag.
/// </summary>
internal sealed class ElfLibrary
{
    private const int HeaderSize = 64, SectionHeaderSize = 64;

    private readonly MemoryStream strings = new();
    private readonly List<(string Library, (string Version, ushort Flags)[] Versions)> needs = [];
    private readonly List<string> definitions = [];
    private readonly Dictionary<(string Library, string Version), int> flagOffsets = [];

    public ElfLibrary() => strings.WriteByte(0);

    /// <summary>Whether the section headers stand before the sections instead of at the file's end.</summary>
    public bool SectionHeadersFirst { get; init; }

    /// <summary>Where the section of the version needs starts in the file that was built last, and the file's section headers.</summary>
    public int VersionNeedsOffset { get; private set; }

    public int SectionHeadersOffset { get; private set; }

    public ElfLibrary Needs(string library, params (string Version, ushort Flags)[] versions)
    {
        needs.Add((library, versions));
        return this;
    }

    public ElfLibrary Needs(string library, params string[] versions) => Needs(library, [.. versions.Select(v => (v, (ushort)0))]);

    public ElfLibrary Defines(params string[] versions)
    {
        definitions.AddRange(versions);
        return this;
    }

    public int FlagsOffset(string library, string version) => flagOffsets[(library, version)];

    public byte[] Build()
    {
        var versionNeeds = VersionNeeds(out var flags);
        var versionDefinitions = VersionDefinitions();
        // The string table is complete only now. The version needs come last, so that cutting the file short cuts into them.
        (uint Type, byte[] Content, uint Info)[] sections =
        [
            (0, [], 0),
            (3, strings.ToArray(), 0),
            (0x6ffffffd, versionDefinitions, (uint)definitions.Count),
            (0x6ffffffe, versionNeeds, (uint)needs.Count),
        ];

        var headersSize = sections.Length * SectionHeaderSize;
        var contentOffset = HeaderSize + (SectionHeadersFirst ? headersSize : 0);
        var offsets = new int[sections.Length];
        for (var i = 1; i < sections.Length; i++)
        {
            offsets[i] = contentOffset;
            contentOffset += sections[i].Content.Length + 7 & ~7;
        }
        SectionHeadersOffset = SectionHeadersFirst ? HeaderSize : contentOffset;
        VersionNeedsOffset = offsets[3];
        foreach (var (key, offset) in flags) flagOffsets[key] = offsets[3] + offset;

        // Ends with the last byte of the last part: there is no padding whose loss would go unnoticed.
        var file = new byte[SectionHeadersFirst ? offsets[3] + versionNeeds.Length : contentOffset + headersSize];
        WriteHeader(file, sections.Length);
        for (var i = 1; i < sections.Length; i++)
        {
            sections[i].Content.CopyTo(file, offsets[i]);
            var header = file.AsSpan(SectionHeadersOffset + i * SectionHeaderSize);
            BinaryPrimitives.WriteUInt32LittleEndian(header[0x04..], sections[i].Type);
            BinaryPrimitives.WriteUInt64LittleEndian(header[0x18..], (ulong)offsets[i]);
            BinaryPrimitives.WriteUInt64LittleEndian(header[0x20..], (ulong)sections[i].Content.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(header[0x28..], i == 1 ? 0u : 1u); // sh_link: the string table
            BinaryPrimitives.WriteUInt32LittleEndian(header[0x2c..], sections[i].Info);
        }
        return file;
    }

    private void WriteHeader(byte[] file, int sections)
    {
        byte[] identity = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        identity.CopyTo(file, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x10), 3); // e_type: a shared library
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x12), 62); // e_machine: x86-64
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(0x28), (ulong)SectionHeadersOffset);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x34), HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x3a), SectionHeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x3c), (ushort)sections);
    }

    private byte[] VersionNeeds(out List<((string, string) Key, int Offset)> flags)
    {
        flags = [];
        var section = new byte[needs.Sum(n => 16 + 16 * n.Versions.Length)];
        var offset = 0;
        for (var i = 0; i < needs.Count; i++)
        {
            var (library, versions) = needs[i];
            var size = 16 + 16 * versions.Length;
            var need = section.AsSpan(offset);
            BinaryPrimitives.WriteUInt16LittleEndian(need, 1);
            BinaryPrimitives.WriteUInt16LittleEndian(need[2..], (ushort)versions.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(need[4..], AddString(library));
            BinaryPrimitives.WriteUInt32LittleEndian(need[8..], 16);
            BinaryPrimitives.WriteUInt32LittleEndian(need[12..], i + 1 < needs.Count ? (uint)size : 0);
            for (var j = 0; j < versions.Length; j++)
            {
                var entry = need[(16 + 16 * j)..];
                BinaryPrimitives.WriteUInt32LittleEndian(entry, 0x1234567u + (uint)j); // vna_hash: any
                BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], versions[j].Flags);
                BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], (ushort)(2 + j));
                BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], AddString(versions[j].Version));
                BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], j + 1 < versions.Length ? 16u : 0);
                flags.Add(((library, versions[j].Version), offset + 16 + 16 * j + 4));
            }
            offset += size;
        }
        return section;
    }

    private byte[] VersionDefinitions()
    {
        const int size = 20 + 8; // Elf64_Verdef and its one Elf64_Verdaux
        var section = new byte[definitions.Count * size];
        for (var i = 0; i < definitions.Count; i++)
        {
            var definition = section.AsSpan(i * size);
            BinaryPrimitives.WriteUInt16LittleEndian(definition, 1);
            BinaryPrimitives.WriteUInt16LittleEndian(definition[4..], (ushort)(i + 1));
            BinaryPrimitives.WriteUInt16LittleEndian(definition[6..], 1);
            BinaryPrimitives.WriteUInt32LittleEndian(definition[12..], 20);
            BinaryPrimitives.WriteUInt32LittleEndian(definition[16..], i + 1 < definitions.Count ? (uint)size : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(definition[20..], AddString(definitions[i]));
        }
        return section;
    }

    private uint AddString(string text)
    {
        var offset = (uint)strings.Position;
        strings.Write(Encoding.UTF8.GetBytes(text));
        strings.WriteByte(0);
        return offset;
    }
}
