using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using LoraGen.TorchZip;
using static LoraGen.Tests.Reference.ZipBytes;

namespace LoraGen.Tests.TorchZip;

/// <summary>An archive that torch.save cannot have written is refused by what is wrong with it.</summary>
public sealed class MalformedZipTests : IDisposable
{
    private static readonly Entry Pickle = new("archive/data.pkl", PickleBytes.Dictionary(("w", new PickleBytes.Stored("FloatStorage", "0", 1, [1], [1]))));
    private static readonly Entry Storage = new("archive/data/0", [0, 0, 128, 63]);

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, byte[], string> Archives => new(
        ("other bytes", "not a zip archive"u8.ToArray(), "expected a zip archive, found other bytes at its beginning"),
        ("a zip without directory", [.. "PK\x03\x04"u8, .. new byte[100]], "expected an intact zip archive, found an error"),
        ("the format before PyTorch 1.6", [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, (byte)'.'], "found the format before it. In Python: torch.save(torch.load(path, weights_only=True), path)"),
        ("no pickle", Write(Storage), "data.pkl: expected an entry of this name, found none"),
        ("no folder", Write(Pickle with { Name = "data.pkl" }), "data.pkl: expected all entries in one folder, found one outside"),
        ("two folders", Write(Pickle, Storage with { Name = "other/data/0" }), "other/data/0: expected all entries in one folder, found one outside"),
        ("two pickles", Write(Pickle, Pickle with { Data = [] }, Storage), "data.pkl: expected one entry of this name, found two"),
        ("two storages of a name", Write(Pickle, Storage, Storage with { Data = [1, 2, 3, 4] }), "data/0: expected one entry of this name, found two"),
        ("a program", Write(Pickle, Storage, new Entry("archive/constants.pkl", [])), "expected a file of torch.save, found a program of TorchScript"),
        ("compressed bytes", Write(Pickle, Storage with { Method = 8, Length = 1_000_000_000 }), "data/0: expected stored bytes, found compressed ones"),
        ("encrypted bytes", Write(Pickle, Storage with { Flags = 1 }), "data/0: expected stored bytes, found encrypted ones"),
        ("an entry longer than the file", Write(Pickle, Storage with { Length = 1_000_000_000, CompressedLength = 1_000_000_000 }), "expected entries of at most"),
        ("entries of the same bytes", Write([Pickle, .. Enumerable.Range(0, 100).Select(i => new Entry($"archive/data/{i}", new byte[10_000]) { SharedWith = i == 0 ? null : "archive/data/0" })]), "expected entries of at most"),
        ("big-endian numbers", Write(Pickle, Storage, new Entry("archive/byteorder", "big"u8.ToArray())), "byteorder: expected little, found big"),
        ("an order without end", Write(Pickle, Storage, new Entry("archive/byteorder", "little-little-little-little"u8.ToArray())), "byteorder: expected little, found little-little-li"));

    [Theory]
    [MemberData(nameof(Archives))]
    public void An_archive_with(string what, byte[] archive, string message)
    {
        var path = Saved(archive);
        var refusal = Assert.Throws<LoraException>(() => TorchZipFile.Open(path)).Message;
        Assert.StartsWith($"{path}: ", refusal, StringComparison.Ordinal);
        Assert.True(refusal.Contains(message, StringComparison.Ordinal), $"{what}: {refusal}");
    }

    [Fact]
    public void A_directory_that_points_into_nowhere()
    {
        var archive = Write(Pickle, Storage);
        var entry = archive.AsSpan().LastIndexOf("PK\x01\x02"u8);
        BitConverter.TryWriteBytes(archive.AsSpan(entry + 42), 3); // The offset of the last entry's own header.
        using var file = TorchZipFile.Open(Saved(archive));
        Assert.Contains("archive/data/0: expected an intact zip archive", Assert.Throws<LoraException>(() => file.Read("w")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_cut_off_at_any_byte()
    {
        var archive = Write(Pickle, Storage);
        for (var length = 0; length < archive.Length; length++)
        {
            var path = Saved(archive[..length]);
            Assert.Throws<LoraException>(() => TorchZipFile.Open(path));
        }
    }

    [Fact]
    public void A_file_that_is_shortened_while_it_is_open()
    {
        var path = Saved(Write(Pickle with { Data = PickleBytes.Dictionary(("w", new PickleBytes.Stored("FloatStorage", "0", 10_000, [10_000], [1]))) }, Storage with { Data = new byte[40_000] }));
        using var file = TorchZipFile.Open(path);
        using (var shortened = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            shortened.SetLength(20_000);
        Assert.Throws<LoraException>(() => file.Read("w"));
    }

    [Fact]
    public void A_folder_a_missing_file_and_no_path()
    {
        Assert.Contains("found a folder", Assert.Throws<LoraException>(() => TorchZipFile.Open(_folder.Path)).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be opened", Assert.Throws<LoraException>(() => TorchZipFile.Open(_folder.PathOf("none"))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => TorchZipFile.Open(" "));
    }

    private string Saved(byte[] archive)
    {
        var path = _folder.PathOf("model.bin");
        File.WriteAllBytes(path, archive);
        return path;
    }
}
