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
    [InlineData("a tail", """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "expected 3 bytes of data after the header, found 4")]
    [InlineData("data beyond the end", """{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}""", "expected 9 bytes of data after the header, found 4")]
    [InlineData("offsets beyond the end", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", "a: expected its data to begin at 0, found 4")]
    [InlineData("offsets at the end of all addresses", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[9223372036854775803,9223372036854775807]}}""", "a: expected its data to begin at 0, found 9223372036854775803")]
    [InlineData("a shape of another size", """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}""", "a: expected 16 bytes for F32 [4], found data_offsets of 4 bytes")]
    [InlineData("offsets that end before they begin", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", "a: expected data_offsets [begin, end] with begin <= end, found [4, 0]")]
    [InlineData("one offset", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[4]}}""", "a: expected data_offsets [begin, end] with begin <= end, found [4]")]
    [InlineData("three offsets", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}""", "a: expected data_offsets [begin, end] with begin <= end, found [0, 4, 4]")]
    [InlineData("offsets that are text", """{"a":{"dtype":"U8","shape":[4],"data_offsets":["0","4"]}}""", "a: expected non-negative integers in data_offsets, found 0")]
    [InlineData("offsets that are no array", """{"a":{"dtype":"U8","shape":[4],"data_offsets":{"begin":0}}}""", "a: expected an array as data_offsets, found an object")]
    [InlineData("an unknown dtype", """{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", "a: expected a dtype out of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, found F8_E4M3")]
    [InlineData("a dtype that is no text", """{"a":{"dtype":8,"shape":[4],"data_offsets":[0,4]}}""", "a: expected a string as dtype, found 8")]
    [InlineData("a duplicate key", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "a: expected one entry of this name, found two")]
    [InlineData("a duplicate key in disguise", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "a: expected one entry of this name, found two")]
    [InlineData("a duplicate member", """{"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}""", "a: expected one member dtype, found two")]
    [InlineData("a duplicate shape", """{"a":{"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]}}""", "a: expected one member shape, found two")]
    [InlineData("duplicate offsets", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"data_offsets":[0,4]}}""", "a: expected one member data_offsets, found two")]
    [InlineData("a negative size", """{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", "a: expected non-negative integers in shape, found -4")]
    [InlineData("a size that is no integer", """{"a":{"dtype":"U8","shape":[4.5],"data_offsets":[0,4]}}""", "a: expected non-negative integers in shape, found 4.5")]
    [InlineData("a size beyond 64 bits", """{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]}}""", "a: expected non-negative integers in shape, found 99999999999999999999")]
    [InlineData("a shape in a shape", """{"a":{"dtype":"U8","shape":[[4]],"data_offsets":[0,4]}}""", "a: expected non-negative integers in shape, found an array")]
    [InlineData("a product beyond 64 bits", """{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", "a: expected a shape that fits into a file, found [4294967296, 4294967296]")]
    [InlineData("an empty tensor with a product beyond 64 bits", """{"z":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "z: expected a shape that fits into a file, found [0, 4294967296, 4294967296]")]
    [InlineData("an entry that is no object", """{"a":7}""", "a: expected an object with dtype, shape and data_offsets, found 7")]
    [InlineData("an entry that is null", """{"a":null}""", "a: expected an object with dtype, shape and data_offsets, found null")]
    [InlineData("no dtype", """{"a":{"shape":[4],"data_offsets":[0,4]}}""", "a: expected the members dtype, shape and data_offsets, found no dtype")]
    [InlineData("no shape", """{"a":{"dtype":"U8","data_offsets":[0,4]}}""", "a: expected the members dtype, shape and data_offsets, found no shape")]
    [InlineData("no offsets", """{"a":{"dtype":"U8","shape":[4]}}""", "a: expected the members dtype, shape and data_offsets, found no data_offsets")]
    [InlineData("metadata that is no object", """{"__metadata__":[]}""", "__metadata__: expected an object of strings, found an array")]
    [InlineData("metadata that is no string", """{"__metadata__":{"format":1}}""", "__metadata__.format: expected a string, found 1")]
    [InlineData("metadata twice", """{"__metadata__":{},"__metadata__":{}}""", "__metadata__: expected one entry of this name, found two")]
    [InlineData("metadata of one name twice", """{"__metadata__":{"format":"pt","format":"pt"}}""", "__metadata__.format: expected one string of this name, found two")]
    [InlineData("half a character in a key", """{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "expected a header of valid JSON, found an error: ")]
    [InlineData("half a character in the metadata", """{"__metadata__":{"format":"\ud800"}}""", "expected a header of valid JSON, found an error: ")]
    [InlineData("an array", "[]", "expected a JSON object as header, found an array")]
    [InlineData("a number", "12345678", "expected a JSON object as header, found 12345678")]
    [InlineData("no JSON", "abcdefgh", "expected a header of valid JSON, found an error: ")]
    [InlineData("an unfinished object", """{"a":""", "expected a header of valid JSON, found an error: ")]
    [InlineData("a second object", "{} {}", "expected a header of valid JSON, found an error: ")]
    [InlineData("a comment", "{} // {}", "expected a header of valid JSON, found an error: ")]
    public void A_header_with(string defect, string header, string named)
    {
        var message = Refuse(SafetensorsBytes.Raw(header, [1, 2, 3, 4]));
        Assert.True(message.StartsWith($"{_folder.PathOf("file")}: not a valid safetensors file: {named}", StringComparison.Ordinal), $"{defect}: {message}");
    }

    [Fact]
    public void A_header_with_more_dimensions_than_a_tensor_has()
    {
        var ones = string.Join(',', Enumerable.Repeat("1", 65));
        var header = $$$"""{"a":{"dtype":"U8","shape":[{{{ones}}}],"data_offsets":[0,1]}}""";
        Assert.EndsWith("a: expected at most 64 integers in shape, found more.", Refuse(SafetensorsBytes.Raw(header, [1])), StringComparison.Ordinal);
    }

    // Members that the format does not name are passed over, as other readers do.
    [Fact]
    public void A_member_of_tomorrow_is_no_defect()
    {
        var path = _folder.PathOf("file");
        File.WriteAllBytes(path, SafetensorsBytes.Raw("""{"a":{"dtype":"U8","strides":[[1]],"shape":[4],"data_offsets":[0,4]}}""", [1, 2, 3, 4]));
        using var file = SafetensorsFile.Open(path);
        Assert.Equal([4L], file.Entries["a"].Shape);
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
        => Assert.Contains("expected a header of valid JSON", Refuse(SafetensorsBytes.Raw("{}", [], length)), StringComparison.Ordinal);

    // A file of that length, of which the system stores nothing.
    [Fact]
    public void A_declared_length_beyond_the_formats_limit()
    {
        var path = _folder.PathOf("file");
        using (var sparse = new FileStream(path, FileMode.Create))
        {
            sparse.Write(BitConverter.GetBytes(100_000_001UL));
            sparse.SetLength(200_000_000);
        }

        Assert.Contains("expected a header of at most 100000000 bytes, found a declared length of 100000001", Refuse(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_file_shorter_than_a_length(int bytes)
        => Assert.Contains($"found a file of {bytes} bytes", Refuse(new byte[bytes]), StringComparison.Ordinal);

    [Theory]
    [InlineData("[", "]", "expected a JSON object as header, found an array")]
    [InlineData("{\"a\":", "}", "a: expected an object with dtype, shape and data_offsets")]
    [InlineData("{\"a\":{\"x\":", "}}", "expected a header of valid JSON, found an error: ")]
    public void A_header_that_nests_without_end(string begin, string end, string named)
    {
        const int depth = 1_000_000;
        var message = Refuse(SafetensorsBytes.Raw(begin + new string('[', depth) + new string(']', depth) + end, []));
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.InRange(message.Length, 1, 1000);
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
        return Refuse(path);
    }

    private static string Refuse(string path)
    {
        var refusal = Assert.Throws<LoraException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(path, refusal.Message, StringComparison.Ordinal);
        return refusal.Message;
    }
}
