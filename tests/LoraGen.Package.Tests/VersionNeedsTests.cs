using System.Buffers.Binary;
using LoraGen.Build;

namespace LoraGen.Package.Tests;

public sealed class VersionNeedsTests
{
    private const string Libstdcxx = "libstdc++.so.6", Wanted = "GLIBCXX_3.4.32";

    /// <summary>As in TorchSharp's library: several libraries, the wanted version between others. One other library happens to have its name, too.</summary>
    private static ElfLibrary TorchSharp(bool sectionHeadersFirst = false) => new ElfLibrary { SectionHeadersFirst = sectionHeadersFirst }
        .Needs("ld-linux-x86-64.so.2", "GLIBC_2.3")
        .Needs("libother.so.1", Wanted, "OTHER_1")
        .Needs(Libstdcxx, "GLIBCXX_3.4.30", Wanted, "GLIBCXX_3.4.3", "CXXABI_1.3")
        .Needs("libm.so.6", "GLIBC_2.2.5");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sets_the_weak_flag_of_the_wanted_version_and_changes_nothing_else(bool sectionHeadersFirst)
    {
        var library = TorchSharp(sectionHeadersFirst);
        var elf = library.Build();
        var expected = (byte[])elf.Clone();
        expected[library.FlagsOffset(Libstdcxx, Wanted)] = 0x02;

        var mended = VersionNeeds.Weaken(elf, Libstdcxx, Wanted);

        Assert.Equal(expected, mended);
        Assert.Equal(TorchSharp(sectionHeadersFirst).Build(), elf); // the input is left alone
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Finds_the_version_wherever_it_stands_in_the_chain(int position)
    {
        string[] versions = ["GLIBCXX_3.4.1", "GLIBCXX_3.4.2", "GLIBCXX_3.4.3"];
        versions[position] = Wanted;
        var library = new ElfLibrary().Needs("libc.so.6", "GLIBC_2.34").Needs(Libstdcxx, versions);
        var expected = library.Build();
        expected[library.FlagsOffset(Libstdcxx, Wanted)] = 0x02;

        Assert.Equal(expected, VersionNeeds.Weaken(new ElfLibrary().Needs("libc.so.6", "GLIBC_2.34").Needs(Libstdcxx, versions).Build(), Libstdcxx, Wanted));
    }

    [Fact]
    public void Sets_the_flag_in_every_need_of_the_version()
    {
        var elf = new ElfLibrary().Needs(Libstdcxx, "A", Wanted).Needs(Libstdcxx, Wanted, Wanted).Build();

        var mended = VersionNeeds.Weaken(elf, Libstdcxx, Wanted);

        Assert.Equal(3, elf.Zip(mended).Count(pair => pair.First != pair.Second));
    }

    [Fact]
    public void Keeps_the_other_flags_of_the_version()
    {
        var library = new ElfLibrary().Needs(Libstdcxx, (Wanted, 0x8101));
        var elf = library.Build();

        var mended = VersionNeeds.Weaken(elf, Libstdcxx, Wanted);

        Assert.Equal(0x8103, BinaryPrimitives.ReadUInt16LittleEndian(mended.AsSpan(library.FlagsOffset(Libstdcxx, Wanted))));
    }

    [Fact]
    public void Returns_a_library_whose_need_is_weak_already_as_it_is()
    {
        var elf = new ElfLibrary().Needs(Libstdcxx, ("GLIBCXX_3.4.30", 0), (Wanted, 0x02)).Build();

        Assert.Same(elf, VersionNeeds.Weaken(elf, Libstdcxx, Wanted));
    }

    [Theory]
    [InlineData()]
    [InlineData("GLIBCXX_3.4.3")]
    [InlineData("GLIBCXX_3.4.320")]
    [InlineData("GLIBCXX_3.4.31", "GLIBCXX_3.4.33")]
    public void Returns_a_library_without_that_need_as_it_is(params string[] versions)
    {
        var elf = new ElfLibrary().Needs("libother.so.1", Wanted).Needs(Libstdcxx, versions).Needs("libc.so.6", "GLIBC_2.34").Build();

        Assert.Same(elf, VersionNeeds.Weaken(elf, Libstdcxx, Wanted));
    }

    [Fact]
    public void Does_not_take_a_definition_for_a_need()
    {
        var elf = new ElfLibrary().Defines("GLIBCXX_3.4", Wanted).Needs("libc.so.6", "GLIBC_2.34").Build();

        Assert.Same(elf, VersionNeeds.Weaken(elf, Libstdcxx, Wanted));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Refuses_a_file_that_was_cut_short_wherever_it_was_cut(bool sectionHeadersFirst)
    {
        var elf = TorchSharp(sectionHeadersFirst).Build();

        Assert.All(Enumerable.Range(0, elf.Length), length =>
            Assert.Throws<ElfFormatException>(() => VersionNeeds.Weaken(elf[..length], Libstdcxx, Wanted)));
    }

    [Fact]
    public void Meets_any_damaged_byte_with_its_own_exception_or_none()
    {
        var elf = TorchSharp().Build();
        for (var i = 0; i < elf.Length; i++)
        {
            foreach (var value in (byte[])[0x00, 0x01, 0x7f, 0x80, 0xff])
            {
                var damaged = (byte[])elf.Clone();
                damaged[i] = value;
                var exception = Record.Exception(() => VersionNeeds.Weaken(damaged, Libstdcxx, Wanted));
                Assert.True(exception is null or ElfFormatException, $"byte {i} set to {value}: {exception}");
            }
        }
    }

    [Theory]
    [InlineData(0x00, 0x4d, "expected the ELF mark 0x464C457F, found 0x464C454D.")]
    [InlineData(0x04, 1, "expected a 64-bit file (class 2), found class 1.")]
    [InlineData(0x05, 2, "expected little-endian data (encoding 1), found encoding 2.")]
    [InlineData(0x3a, 40, "expected section headers of 64 bytes, found 40 bytes.")]
    [InlineData(0x3c, 0, "expected section headers, found none.")]
    public void Says_what_it_expected_of_the_header_and_what_it_found(int offset, byte value, string message)
    {
        var elf = TorchSharp().Build();
        elf[offset] = value;

        Assert.Equal(message, Assert.Throws<ElfFormatException>(() => VersionNeeds.Weaken(elf, Libstdcxx, Wanted)).Message);
    }

    [Fact]
    public void Says_which_string_table_it_expected_and_what_it_found()
    {
        var library = TorchSharp();
        var elf = library.Build();
        var link = library.SectionHeadersOffset + 3 * 64 + 0x28;

        elf[link] = 9;
        Assert.Equal(
            "expected one of 4 sections as the string table of .gnu.version_r, found section 9.",
            Assert.Throws<ElfFormatException>(() => VersionNeeds.Weaken(elf, Libstdcxx, Wanted)).Message);
        elf[link] = 2;
        Assert.Equal(
            "expected a string table (type 3) for .gnu.version_r, found section type 1879048189.",
            Assert.Throws<ElfFormatException>(() => VersionNeeds.Weaken(elf, Libstdcxx, Wanted)).Message);
    }

    [Theory]
    [InlineData(0, 7, "expected version needs of layout 1, found layout 7.")]
    [InlineData(7, 1, "expected a name within a string table")]
    [InlineData(14, 1, "expected a version need within .gnu.version_r")]
    public void Says_what_it_expected_of_a_version_need_and_what_it_found(int offset, byte value, string message)
    {
        var library = TorchSharp();
        var elf = library.Build();
        elf[library.VersionNeedsOffset + offset] = value;

        Assert.StartsWith(message, Assert.Throws<ElfFormatException>(() => VersionNeeds.Weaken(elf, Libstdcxx, Wanted)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(17)]
    public void Refuses_a_section_that_ends_within_its_chain(int missing)
    {
        var library = TorchSharp();
        var elf = library.Build();
        elf[library.SectionHeadersOffset + 3 * 64 + 0x20] -= (byte)missing; // the section's size; the file is as long as before

        Assert.Throws<ElfFormatException>(() => VersionNeeds.Weaken(elf, "libm.so.6", "GLIBC_2.2.5"));
    }

    [Fact]
    public void Refuses_a_name_that_does_not_end()
    {
        var library = new ElfLibrary { SectionHeadersFirst = true }.Needs(Libstdcxx, Wanted);
        var elf = library.Build();
        var strings = elf.AsSpan(0, library.VersionNeedsOffset);
        elf[strings.LastIndexOf("32\0"u8) + 2] = (byte)'x';
        // The string table ends with the byte that was its last zero: the padding behind it is not part of it.
        Assert.Equal(
            "expected a name that ends within its string table, found none.",
            Assert.Throws<ElfFormatException>(() => VersionNeeds.Weaken(elf, Libstdcxx, Wanted)).Message);
    }
}
