using System.Text;
using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using LoraGen.TorchZip;
using TorchSharp;

namespace LoraGen.Tests.TorchZip;

/// <summary>What a file claims takes no memory, and what it holds takes a small multiple of its size, however it is made.</summary>
public sealed class AllocationTests : IDisposable
{
    // An exception with its message and stack, and the file's buffers.
    private const long Fixed = 256 << 10;

    // The shortest opcodes are of one byte: an object of 24 bytes, and its place on a stack that doubles as it grows.
    private const long PerByte = 64;

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("dictionaries", "}")]
    [InlineData("empty tuples", ")")]
    [InlineData("marks", "(")]
    [InlineData("truths", "\x88")]
    [InlineData("numbers", "K\x01")]
    [InlineData("empty texts", "X\0\0\0\0")]
    [InlineData("tuples in tuples", ")\x85")]
    [InlineData("OrderedDicts", "ccollections\nOrderedDict\n)R")]
    [InlineData("storages", "(X\x07\0\0\0storagectorch\nByteStorage\nX\0\0\0\0X\0\0\0\0K\0tQ")]
    public void A_megabyte_of(string what, string repeated)
    {
        var pickle = new PickleBytes().Raw(new StringBuilder().Insert(0, repeated, 1_000_000 / repeated.Length).ToString()).End();
        AssertBounded(TorchZipBytes.Write(pickle), what);
    }

    [Fact]
    public void A_hundred_thousand_values_that_are_kept()
    {
        var pickle = new StringBuilder("N");
        for (var i = 0; i < 100_000; i++)
            pickle.Append('r').Append(Encoding.Latin1.GetString(BitConverter.GetBytes(i * 40_009)));
        AssertBounded(TorchZipBytes.Write(new PickleBytes().Raw(pickle.ToString()).End()), "kept values");
    }

    [Fact]
    public void Twenty_thousand_empty_entries()
        => AssertBounded(TorchZipBytes.Write([0], Enumerable.Range(0, 20_000).Select(i => ($"{i}", Array.Empty<byte>()))), "entries");

    [Fact]
    public void A_storage_that_claims_a_terabyte()
        => AssertBounded(TorchZipBytes.Write(PickleBytes.Dictionary(("w", new PickleBytes.Stored("FloatStorage", "0", 1L << 38, [1L << 38], [1]))), ("0", new byte[4])), "a terabyte");

    private void AssertBounded(byte[] file, string what)
    {
        var path = _folder.PathOf("model.bin");
        File.WriteAllBytes(path, file);
        Assert.Throws<LoraException>(() => TorchZipFile.Open(path)); // Once for what is only made the first time.
        var (tensors, before) = (DisposeScopeManager.Statistics.ThreadTotalLiveCount, GC.GetAllocatedBytesForCurrentThread());
        Assert.Throws<LoraException>(() => TorchZipFile.Open(path));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(tensors, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.True(allocated < (PerByte * file.Length) + Fixed, $"{what}: {allocated} bytes allocated for {file.Length}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {(double)allocated / file.Length:F1} times the file");
    }
}
