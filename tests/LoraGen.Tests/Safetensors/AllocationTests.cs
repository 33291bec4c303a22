using System.Text;
using LoraGen.Safetensors;
using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using TorchSharp;

namespace LoraGen.Tests.Safetensors;

/// <summary>A header takes no memory for what it merely claims: what reading it allocates is bounded by the file's own size.</summary>
public sealed class AllocationTests : IDisposable
{
    // An exception with its message and stack, a file handle, a JSON reader.
    private const long Fixed = 64 << 10;

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, ulong?> Claims => new(
        ("a header of 100 MB", "{}", 100_000_000),
        ("a header of the length of all addresses", "{}", ulong.MaxValue),
        ("a shape of a terabyte", """{"a":{"dtype":"F32","shape":[262144,1048576],"data_offsets":[0,1099511627776]}}""", null),
        ("a shape of a terabyte in four bytes", """{"a":{"dtype":"F32","shape":[262144,1048576],"data_offsets":[0,4]}}""", null),
        ("an empty tensor as wide as all addresses", """{"a":{"dtype":"U8","shape":[0,9223372036854775807],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,5]}}""", null),
        ("offsets of a terabyte", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[1099511627776,1099511627780]}}""", null));

    [Theory]
    [MemberData(nameof(Claims))]
    public void A_small_file_that_claims(string claim, string header, ulong? length)
        => Assert.True(AllocatedFor(SafetensorsBytes.Raw(header, [1, 2, 3, 4], length)) < Fixed, claim);

    // Twice for the text that UTF-16 makes of it, once for the header itself.
    [Theory]
    [InlineData("a key without end", "{\"", "k", "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,5]}}")]
    [InlineData("a dtype without end", "{\"a\":{\"dtype\":\"", "k", "\",\"shape\":[4],\"data_offsets\":[0,5]}}")]
    [InlineData("a key of escapes without end", "{\"", "\\n", "\":7}")]
    [InlineData("a shape without end", "{\"a\":{\"dtype\":\"U8\",\"shape\":[", "1,", "1],\"data_offsets\":[0,4]}}")]
    [InlineData("a member without end", "{\"a\":{\"x\":[", "0,", "0]}}")]
    [InlineData("an array without end", "[", "0,", "0]")]
    [InlineData("arrays in arrays without end", "", "[", "")]
    [InlineData("objects in objects without end", "", "{\"a\":", "")]
    [InlineData("a number without end", "{\"a\":", "1", "}")]
    [InlineData("white space without end", "{", " ", "")]
    [InlineData("a text without end", "{\"", "k", "")]
    public void A_large_header_of(string what, string begin, string repeated, string end)
    {
        var bytes = SafetensorsBytes.Raw(begin + new StringBuilder().Insert(0, repeated, 2_000_000).ToString() + end, [1, 2, 3, 4]);
        Assert.True(AllocatedFor(bytes) < (4 * bytes.Length) + Fixed, what);
    }

    // Each is in order by itself, and kept until all are seen not to fit: an object, a text and two arrays for fifty bytes.
    [Fact]
    public void A_hundred_thousand_entries_of_the_same_data()
    {
        var entries = Enumerable.Range(0, 100_000).Select(i => $$"""
            "k{{i}}":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}
            """);
        var bytes = SafetensorsBytes.Raw($"{{{string.Join(',', entries)}}}", [1, 2, 3, 4]);
        Assert.True(AllocatedFor(bytes) < (12 * bytes.Length) + Fixed);
    }

    private long AllocatedFor(byte[] content)
    {
        var path = _folder.PathOf("file");
        File.WriteAllBytes(path, content);
        Refuse(path); // Once for what is only made the first time.
        var tensors = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var message = Refuse(path);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(tensors, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        Assert.InRange(message.Length, 1, 2000);
        Assert.DoesNotContain('\n', message);
        TestContext.Current.TestOutputHelper?.WriteLine($"{content.Length} bytes: {allocated} allocated: {message}");
        return allocated;
    }

    private static string Refuse(string path) => Assert.Throws<LoraException>(() => SafetensorsFile.Open(path)).Message;
}
