// The build compiles this one file where it stands (RoslynCodeTaskFactory in LoraGen.targets): it needs no prebuilt task assembly,
// but it must be complete in itself and keep to netstandard2.0. The tests compile the same file.
#nullable enable

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;

namespace LoraGen.Build;

/// <summary>
/// Writes a copy of an ELF shared library in which one version need is weak: the dynamic loader then starts the library even where
/// the version is missing. Whether the version's symbols are really never used is for the caller to know.
/// </summary>
public sealed class MendVersionNeeds : Microsoft.Build.Utilities.Task
{
    /// <summary>The library to read. It is never written.</summary>
    [Required]
    public string Source { get; set; } = "";

    /// <summary>Where the mended copy goes. A file that is there is replaced as a whole.</summary>
    [Required]
    public string Destination { get; set; } = "";

    /// <summary>The library that should define the version, for example <c>libstdc++.so.6</c>.</summary>
    [Required]
    public string NeededFrom { get; set; } = "";

    /// <summary>The version to make weak, for example <c>GLIBCXX_3.4.32</c>.</summary>
    [Required]
    public string NeededVersion { get; set; } = "";

    /// <inheritdoc />
    public override bool Execute()
    {
        try
        {
            ReplaceFile(Destination, VersionNeeds.Weaken(File.ReadAllBytes(Source), NeededFrom, NeededVersion));
            return true;
        }
        catch (ElfFormatException e)
        {
            Log.LogError(null, "LORABUILD2", null, Source, 0, 0, 0, 0, "Version {0} of {1} cannot be made a weak need: {2}", NeededVersion, NeededFrom, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.LogError(null, "LORABUILD2", null, Source, 0, 0, 0, 0, "The mended copy \"{0}\" cannot be written: {1}", Destination, e.Message);
        }
        return false;
    }

    /// <summary>Writes beside the destination, then renames: a build that is stopped half-way leaves the old file or none, never half of one.</summary>
    private static void ReplaceFile(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var temporary = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(content, 0, content.Length);
                stream.Flush(flushToDisk: true);
            }
            // Both are a rename. Were the destination a link, the link is what they replace: nothing is written through it.
            if (File.Exists(path)) File.Replace(temporary, path, destinationBackupFileName: null);
            else File.Move(temporary, path);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}

/// <summary>The version needs of an ELF library (section <c>.gnu.version_r</c>): what each version says that it needs of which library.</summary>
/// <remarks>
/// The layout is that of the Linux Standard Base, "Symbol Versioning": a chain of Verneed records, one for each library, each with a
/// chain of Vernaux records, one for each version. Offsets in a chain count from the record that holds them; names lie in the linked
/// string table.
/// </remarks>
internal static class VersionNeeds
{
    private const uint ElfMark = 0x464c457f; // 7F "ELF", read as a little-endian number
    private const ushort WeakFlag = 0x2; // VER_FLG_WEAK
    private const int SectionHeaderSize = 64, RecordSize = 16; // Elf64_Shdr; Elf64_Verneed and Elf64_Vernaux alike
    private const uint StringTable = 3, VersionNeedsTable = 0x6ffffffe; // SHT_STRTAB, SHT_GNU_verneed

    /// <summary>Returns the library with the weak flag set on one version need: a new array, or the given one where nothing has to change.</summary>
    /// <exception cref="ElfFormatException">The bytes are not a little-endian 64-bit ELF file, or are damaged.</exception>
    public static byte[] Weaken(byte[] elf, string library, string version)
    {
        var file = new ElfReader(elf);
        var sections = SectionHeaders(file);
        var mended = elf;
        for (var i = 0; i < sections.Count; i++)
        {
            var header = sections.Offset + i * SectionHeaderSize;
            if (file.UInt32(header + 4, "a section's type") != VersionNeedsTable) continue;
            foreach (var flags in FlagsOf(file, header, sections, library, version))
            {
                var value = file.UInt16(flags, "a version need's flags");
                if ((value & WeakFlag) != 0) continue;
                if (ReferenceEquals(mended, elf)) mended = (byte[])elf.Clone();
                mended[flags] = (byte)(value | WeakFlag);
            }
        }
        return mended;
    }

    private static (long Offset, int Count) SectionHeaders(ElfReader file)
    {
        var mark = file.UInt32(0, "the ELF mark");
        var fileClass = file.Byte(4, "the file class");
        var byteOrder = file.Byte(5, "the byte order");
        file.Expect(mark == ElfMark, $"the ELF mark 0x{ElfMark:X8}", $"0x{mark:X8}");
        file.Expect(fileClass == 2, "a 64-bit file (class 2)", $"class {fileClass}");
        file.Expect(byteOrder == 1, "little-endian data (encoding 1)", $"encoding {byteOrder}");
        var offset = file.Offset(0x28, "the place of the section headers");
        var size = file.UInt16(0x3a, "the size of a section header");
        var count = file.UInt16(0x3c, "the number of section headers");
        file.Expect(offset != 0 && count != 0, "section headers", "none");
        file.Expect(size == SectionHeaderSize, $"section headers of {SectionHeaderSize} bytes", $"{size} bytes");
        file.Expect(offset <= file.Length - (long)count * size, $"{count} section headers at offset {offset}", $"a file of {file.Length} bytes");
        return (offset, count);
    }

    /// <summary>The places of the flags of each record for this version of this library.</summary>
    private static IEnumerable<long> FlagsOf(
        ElfReader file, long header, (long Offset, int Count) sections, string library, string version)
    {
        var needs = Section(file, header, ".gnu.version_r");
        var link = file.UInt32(header + 0x28, "the string table of .gnu.version_r");
        file.Expect(link < sections.Count, $"one of {sections.Count} sections as the string table of .gnu.version_r", $"section {link}");
        var stringsHeader = sections.Offset + link * SectionHeaderSize;
        var stringsType = file.UInt32(stringsHeader + 4, "a section's type");
        file.Expect(stringsType == StringTable, $"a string table (type {StringTable}) for .gnu.version_r", $"section type {stringsType}");
        var strings = Section(file, stringsHeader, "the string table of .gnu.version_r");

        // Each chain names its length twice, by a count and by a last offset of 0; the loader follows the offsets, and so does this.
        for (long need = needs.Start, next = 1; next != 0; need += next)
        {
            file.ExpectRecord(need, needs, "a version need");
            next = file.UInt32(need + 12, "the next version need");
            var layout = file.UInt16(need, "a version need's layout");
            file.Expect(layout == 1, "version needs of layout 1", $"layout {layout}");
            if (file.Name(strings, file.UInt32(need + 4, "a needed library's name")) != library) continue;
            if (file.UInt16(need + 2, "the number of needed versions") == 0) continue;
            var entry = need + file.UInt32(need + 8, "the first needed version");
            for (long nextEntry = 1; nextEntry != 0; entry += nextEntry)
            {
                file.ExpectRecord(entry, needs, "a needed version");
                nextEntry = file.UInt32(entry + 12, "the next needed version");
                if (file.Name(strings, file.UInt32(entry + 8, "a needed version's name")) == version) yield return entry + 4;
            }
        }
    }

    private static (long Start, long End) Section(ElfReader file, long header, string what)
    {
        var start = file.Offset(header + 0x18, "a section's place");
        var size = file.Offset(header + 0x20, "a section's size");
        file.Expect(start <= file.Length && size <= file.Length - start, $"{what} of {size} bytes at offset {start}", $"a file of {file.Length} bytes");
        return (start, start + size);
    }

    /// <summary>Reads numbers and names, and says what was expected where the file has something else.</summary>
    private readonly struct ElfReader
    {
        private readonly byte[] bytes;

        public ElfReader(byte[] bytes) => this.bytes = bytes;

        public long Length => bytes.Length;

        public byte Byte(long offset, string what) => (byte)LittleEndian(offset, 1, what);

        public ushort UInt16(long offset, string what) => (ushort)LittleEndian(offset, 2, what);

        public uint UInt32(long offset, string what) => (uint)LittleEndian(offset, 4, what);

        /// <summary>A 64-bit offset or size. One that does not fit a signed number lies beyond the end of any file.</summary>
        public long Offset(long offset, string what)
        {
            var value = LittleEndian(offset, 8, what);
            Expect(value <= long.MaxValue, $"{what} within {Length} bytes", $"{value}");
            return (long)value;
        }

        public string Name((long Start, long End) strings, uint offset)
        {
            var start = strings.Start + offset;
            Expect(start < strings.End, $"a name within a string table of {strings.End - strings.Start} bytes", $"offset {offset}");
            var end = Array.IndexOf(bytes, (byte)0, (int)start, (int)(strings.End - start));
            Expect(end >= 0, "a name that ends within its string table", "none");
            return Encoding.UTF8.GetString(bytes, (int)start, end - (int)start);
        }

        public void ExpectRecord(long offset, (long Start, long End) section, string what) =>
            Expect(offset <= section.End - RecordSize, $"{what} within .gnu.version_r, which ends at {section.End}", $"offset {offset}");

        public void Expect(bool holds, string expected, string found)
        {
            if (!holds) throw new ElfFormatException(expected, found);
        }

        private ulong LittleEndian(long offset, int size, string what)
        {
            Expect(offset <= Length - size, $"{what} at offset {offset}", $"a file of {Length} bytes");
            ulong value = 0;
            for (var i = size - 1; i >= 0; i--) value = value << 8 | bytes[offset + i];
            return value;
        }
    }
}

/// <summary>A file is not the ELF file that was expected: what was expected, and what is there instead.</summary>
internal sealed class ElfFormatException : Exception
{
    public ElfFormatException(string expected, string found) : base($"expected {expected}, found {found}.")
    {
    }
}
