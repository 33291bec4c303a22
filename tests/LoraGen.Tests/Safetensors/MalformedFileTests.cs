using LoraGen.Safetensors;
using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Safetensors;

/// <summary>A header that lies is refused before any tensor is made, by file and key.</summary>
public sealed class MalformedFileTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("overlapping offsets", """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "b: expected its data to begin at 3, found 2")]
    [InlineData("the same data twice", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "b: expected its data to begin at 4, found 0")]
    [InlineData("a hole", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}""", "b: expected its data to begin at 2, found 3")]
    [InlineData("a tail", """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "expected 3 bytes of data")]
    [InlineData("data beyond the end", """{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}""", "expected 9 bytes of data")]
    [InlineData("offsets beyond the end", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", "a: expected its data to begin at 0, found 4")]
    [InlineData("a shape of another size", """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}""", "a: F32 [4] takes 16 bytes")]
    [InlineData("offsets that end before they begin", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", "a: expected data_offsets [begin, end]")]
    [InlineData("one offset", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[4]}}""", "a: expected data_offsets [begin, end]")]
    [InlineData("an unknown dtype", """{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", "a: expected a dtype out of F64")]
    [InlineData("a duplicate key", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "a")]
    [InlineData("a duplicate key in disguise", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "a")]
    [InlineData("a duplicate member", """{"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}""", "dtype")]
    [InlineData("a negative size", """{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", "a: expected non-negative integers in shape")]
    [InlineData("a size that is no integer", """{"a":{"dtype":"U8","shape":[4.5],"data_offsets":[0,4]}}""", "a: expected non-negative integers in shape")]
    [InlineData("a size beyond 64 bits", """{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]}}""", "a: expected non-negative integers in shape")]
    [InlineData("a product beyond 64 bits", """{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", "a: the shape")]
    [InlineData("an empty tensor with a product beyond 64 bits", """{"z":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "z: the shape")]
    [InlineData("an entry that is no object", """{"a":7}""", "a: expected an object")]
    [InlineData("no dtype", """{"a":{"shape":[4],"data_offsets":[0,4]}}""", "a: expected a member dtype")]
    [InlineData("no shape", """{"a":{"dtype":"U8","data_offsets":[0,4]}}""", "a: expected a member shape")]
    [InlineData("no offsets", """{"a":{"dtype":"U8","shape":[4]}}""", "a: expected a member data_offsets")]
    [InlineData("metadata that is no object", """{"__metadata__":[]}""", "__metadata__: expected an object")]
    [InlineData("metadata that is no string", """{"__metadata__":{"format":1}}""", "__metadata__.format: expected a string")]
    [InlineData("half a character in a key", """{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "not valid JSON")]
    [InlineData("half a character in the metadata", """{"__metadata__":{"format":"\ud800"}}""", "not valid JSON")]
    [InlineData("an array", "[]", "expected a JSON object")]
    [InlineData("no JSON", "abcdefgh", "not valid JSON")]
    [InlineData("an unfinished object", """{"a":""", "not valid JSON")]
    public void A_header_with(string defect, string header, string named)
    {
        var message = Refuse(SafetensorsBytes.Raw(header, [1, 2, 3, 4]));
        Assert.True(message.Contains(named, StringComparison.Ordinal), $"{defect}: {message}");
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(100_000_001UL)]
    [InlineData(200UL)]
    public void A_declared_length_beyond_the_file(ulong length)
        => Assert.Contains($"found a declared length of {length}", Refuse(SafetensorsBytes.Raw("{}", [1, 2], length)), StringComparison.Ordinal);

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    public void A_declared_length_short_of_the_header(ulong length)
        => Assert.Contains("not valid JSON", Refuse(SafetensorsBytes.Raw("{}", [], length)), StringComparison.Ordinal);

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_file_shorter_than_a_length(int bytes)
        => Assert.Contains($"found a file of {bytes} bytes", Refuse(new byte[bytes]), StringComparison.Ordinal);

    [Fact]
    public void A_header_that_nests_without_end()
    {
        var depth = 1_000_000;
        Assert.Contains("not valid JSON", Refuse(SafetensorsBytes.Raw(new string('[', depth) + new string(']', depth), [])), StringComparison.Ordinal);
    }

    // In a key, in a dtype and in the metadata; a lone continuation byte and half a character.
    [Theory]
    [InlineData("{\"?\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"?\",\"shape\":[0],\"data_offsets\":[0,0]}}")]
    [InlineData("{\"a\":{\"?\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}")]
    [InlineData("{\"__metadata__\":{\"format\":\"?\"}}")]
    [InlineData("{\"__metadata__\":{\"?\":\"pt\"}}")]
    public void A_header_that_is_not_UTF_8(string header)
    {
        foreach (var wrong in new byte[] { 0x80, 0xC3, 0xFF })
        {
            var bytes = SafetensorsBytes.Raw(header, []);
            bytes[Array.IndexOf(bytes, (byte)'?')] = wrong;
            Refuse(bytes);
        }
    }

    [Fact]
    public void A_missing_file_and_a_folder()
    {
        Assert.Contains("nowhere", Assert.Throws<LoraException>(() => SafetensorsFile.Open(_folder.PathOf("nowhere"))).Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Path, Assert.Throws<LoraException>(() => SafetensorsFile.Open(_folder.Path)).Message, StringComparison.Ordinal);
    }

    // Were the file still open, Windows could not replace it, and a server would run out of handles.
    [Fact]
    public void A_refused_file_is_closed()
    {
        var path = _folder.PathOf("file");
        Refuse([1, 2, 3]);
        using var exclusive = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
    }

    private string Refuse(byte[] bytes)
    {
        var path = _folder.PathOf("file");
        File.WriteAllBytes(path, bytes);
        var refusal = Assert.Throws<LoraException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(path, refusal.Message, StringComparison.Ordinal);
        return refusal.Message;
    }
}
