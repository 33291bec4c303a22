using LoraGen.Safetensors;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Safetensors;

/// <summary>What an independent writer writes, the reader reads.</summary>
public sealed class ReaderTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("F64", ScalarType.Float64, new byte[] { 0, 0, 0, 0, 0, 0, 0xF8, 0x3F }, 1.5)]
    [InlineData("F32", ScalarType.Float32, new byte[] { 0, 0, 0xC0, 0xBF }, -1.5)]
    [InlineData("F16", ScalarType.Float16, new byte[] { 0, 0x3E }, 1.5)]
    [InlineData("BF16", ScalarType.BFloat16, new byte[] { 0xC0, 0x3F }, 1.5)]
    [InlineData("I64", ScalarType.Int64, new byte[] { 2, 1, 0, 0, 0, 0, 0, 0 }, 258)]
    [InlineData("I32", ScalarType.Int32, new byte[] { 0xFE, 0xFF, 0xFF, 0xFF }, -2)]
    [InlineData("I16", ScalarType.Int16, new byte[] { 2, 1 }, 258)]
    [InlineData("I8", ScalarType.Int8, new byte[] { 0xFF }, -1)]
    [InlineData("U8", ScalarType.Byte, new byte[] { 0xFF }, 255)]
    [InlineData("BOOL", ScalarType.Bool, new byte[] { 1 }, 1)]
    public void Every_dtype(string name, ScalarType type, byte[] data, double value)
    {
        using var file = Open($$$"""{"t":{"dtype":"{{{name}}}","shape":[1],"data_offsets":[0,{{{data.Length}}}]}}""", data);
        using var tensor = file.Read("t");
        Assert.Equal(type, tensor.dtype);
        Assert.Equal([1L], tensor.shape);
        Assert.Equal([value], Values.Flat(tensor));
    }

    [Fact]
    public void Tensors_in_any_order_of_the_header_and_of_the_data()
    {
        using var file = Open(
            """{"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"c":{"dtype":"U8","shape":[1],"data_offsets":[3,4]},"a":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]}}  """,
            [10, 20, 30, 40]);
        using var a = file.Read("a");
        using var b = file.Read("b");
        using var c = file.Read("c");
        Assert.Equal([10.0], Values.Flat(a));
        Assert.Equal([20.0, 30], Values.Flat(b));
        Assert.Equal([40.0], Values.Flat(c));
        Assert.Equal([1L, 1], a.shape);
    }

    // More elements than are converted at a time.
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void Into_a_tensor_of_the_same_dtype_or_another(ScalarType type)
    {
        var values = Enumerable.Range(0, 300_000).Select(i => (float)(i % 251)).ToArray(); // Each is exact in bf16.
        using var file = Open(
            """{"t":{"dtype":"F32","shape":[300,1000],"data_offsets":[4,1200004]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
            [0, 0, 0, 0, .. System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values)]);
        using var tensor = zeros(300, 1000, dtype: type);
        file.ReadInto("t", tensor);
        Assert.Equal(type, tensor.dtype);
        Assert.Equal(values.Select(value => (double)value), Values.Flat(tensor));
    }

    [Fact]
    public void Into_a_tensor_of_another_shape_or_layout()
    {
        using var file = Open("""{"t":{"dtype":"U8","shape":[2,3],"data_offsets":[0,6]}}""", [1, 2, 3, 4, 5, 6]);
        using var other = zeros(3, 2, ScalarType.Byte);
        using var transposed = other.t();
        Assert.Contains("expected a contiguous tensor [2, 3] to read into, found [3, 2]", Refusal(other), StringComparison.Ordinal);
        Assert.Contains("found another layout of [2, 3]", Refusal(transposed), StringComparison.Ordinal);
        Assert.Equal(new double[6], Values.Flat(other));

        string Refusal(Tensor destination) => Assert.Throws<LoraException>(() => file.ReadInto("t", destination)).Message;
    }

    [Fact]
    public void A_scalar_and_an_empty_tensor()
    {
        using var file = Open(
            """{"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[2,0],"data_offsets":[4,4]}}""", [0, 0, 0x80, 0x3F]);
        using var scalar = file.Read("s");
        using var empty = file.Read("e");
        Assert.Empty(scalar.shape);
        Assert.Equal([1.0], Values.Flat(scalar));
        Assert.Equal([2L, 0], empty.shape);
    }

    [Fact]
    public void A_file_without_tensors()
    {
        using var file = Open("{}", []);
        Assert.Empty(file.Entries);
        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void Metadata()
    {
        using var file = Open("""{"__metadata__":{"format":"pt","who":"\u00fc"}}""", []);
        Assert.Equal(new Dictionary<string, string> { ["format"] = "pt", ["who"] = "ü" }, file.Metadata);
    }

    [Fact]
    public void Tensors_outlive_the_file_and_share_no_memory_with_it()
    {
        var path = _folder.PathOf("file");
        File.WriteAllBytes(path, SafetensorsBytes.Raw("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", [7]));
        Tensor tensor;
        using (var file = SafetensorsFile.Open(path))
        {
            tensor = file.Read("t");
            using var second = file.Read("t");
            second.add_(1);
        }

        Assert.Equal([7.0], Values.Flat(tensor));
        tensor.Dispose();
    }

    [Fact]
    public void An_unknown_key_is_refused_by_file_and_key()
    {
        using var file = Open("{}", []);
        var refusal = Assert.Throws<LoraException>(() => file.Read("model.weight"));
        Assert.Contains(file.Path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("model.weight", refusal.Message, StringComparison.Ordinal);
    }

    // Through a memory map, this would end the process.
    [Fact]
    public void A_file_that_another_program_shortens_while_it_is_open()
    {
        var path = _folder.PathOf("file");
        File.WriteAllBytes(path, SafetensorsBytes.Raw("""{"t":{"dtype":"U8","shape":[1000000],"data_offsets":[0,1000000]}}""", new byte[1_000_000]));
        using var file = SafetensorsFile.Open(path);
        using (var other = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            other.SetLength(5000);
        }

        var refusal = Assert.Throws<LoraException>(() => file.Read("t"));
        Assert.StartsWith($"{path}: t: expected ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("found the end of the file", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_writer_wrote_comes_back_bit_for_bit()
    {
        var path = _folder.PathOf("file");
        using var values = Base.Input(300, 7);
        using var brain = values.to_type(ScalarType.BFloat16);
        SafetensorsWriter.Write(path, [new("values", values), new("brain", brain)], new Dictionary<string, string> { ["format"] = "pt" });
        using var file = SafetensorsFile.Open(path);
        using var readValues = file.Read("values");
        using var readBrain = file.Read("brain");
        Assert.Equal(Base.Bytes(values), Base.Bytes(readValues));
        Assert.Equal(Base.Bytes(brain), Base.Bytes(readBrain));
    }

    private SafetensorsFile Open(string header, byte[] data)
    {
        var path = _folder.PathOf("file");
        File.WriteAllBytes(path, SafetensorsBytes.Raw(header, data));
        return SafetensorsFile.Open(path);
    }
}
