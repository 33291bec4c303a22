using System.Text;
using LoraGen.Safetensors;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Safetensors;

/// <summary>What the writer writes, an independent reader reads.</summary>
public sealed class WriterTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ScalarType.Float64, "F64", 8)]
    [InlineData(ScalarType.Float32, "F32", 4)]
    [InlineData(ScalarType.Float16, "F16", 2)]
    [InlineData(ScalarType.BFloat16, "BF16", 2)]
    [InlineData(ScalarType.Int64, "I64", 8)]
    [InlineData(ScalarType.Int32, "I32", 4)]
    [InlineData(ScalarType.Int16, "I16", 2)]
    [InlineData(ScalarType.Int8, "I8", 1)]
    [InlineData(ScalarType.Byte, "U8", 1)]
    [InlineData(ScalarType.Bool, "BOOL", 1)]
    public void Every_dtype(ScalarType type, string name, int bytesPerElement)
    {
        using var tensor = arange(6).reshape(2, 3).to_type(type);
        var stored = Write(("t", tensor)).Tensors["t"];
        Assert.Equal(name, stored.Dtype);
        Assert.Equal([2L, 3], stored.Shape);
        Assert.Equal(6 * bytesPerElement, stored.Data.Length);
        Assert.Equal(Base.Bytes(tensor), stored.Data);
    }

    // Little-endian, by hand.
    [Fact]
    public void The_bytes_of_known_numbers()
    {
        using var single = tensor([1f, -2f]);
        using var brain = tensor([1f, -2f]).to_type(ScalarType.BFloat16);
        using var whole = tensor([258L]);
        var tensors = Write(("single", single), ("brain", brain), ("whole", whole)).Tensors;
        Assert.Equal([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0], tensors["single"].Data);
        Assert.Equal([0x80, 0x3F, 0, 0xC0], tensors["brain"].Data);
        Assert.Equal([2, 1, 0, 0, 0, 0, 0, 0], tensors["whole"].Data);
    }

    [Fact]
    public void A_scalar_an_empty_tensor_and_a_tensor_that_is_not_contiguous()
    {
        using var scalar = tensor(3f);
        using var empty = zeros(0, 3);
        using var matrix = tensor(new float[] { 1, 2, 3, 4 }, 2, 2);
        using var turned = matrix.t();
        var tensors = Write(("scalar", scalar), ("empty", empty), ("turned", turned)).Tensors;
        Assert.Empty(tensors["scalar"].Shape);
        Assert.Equal(4, tensors["scalar"].Data.Length);
        Assert.Equal([0L, 3], tensors["empty"].Shape);
        Assert.Empty(tensors["empty"].Data);
        Assert.Equal([.. new float[] { 1, 3, 2, 4 }.SelectMany(BitConverter.GetBytes)], tensors["turned"].Data);
    }

    [Fact]
    public void Keys_in_ordinal_order_and_data_that_begins_at_a_multiple_of_eight()
    {
        using var tensor = zeros(1);
        var path = _folder.PathOf("file");
        SafetensorsWriter.Write(path, [new("b", tensor), new("a.10", tensor), new("a.9", tensor), new("B", tensor)], new Dictionary<string, string>());
        var bytes = File.ReadAllBytes(path);
        var length = (int)BitConverter.ToUInt64(bytes);
        Assert.Equal(0, length % 8);
        var header = Encoding.UTF8.GetString(bytes, 8, length);
        Assert.StartsWith("{", header, StringComparison.Ordinal);
        var places = new[] { "\"B\"", "\"a.10\"", "\"a.9\"", "\"b\"" }.Select(key => header.IndexOf(key, StringComparison.Ordinal)).ToArray();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
    }

    [Fact]
    public void Metadata_and_keys_of_any_characters()
    {
        using var tensor = zeros(1);
        var path = _folder.PathOf("file");
        SafetensorsWriter.Write(path, [new("schlüssel \"q\" \\ \n 漢 😀", tensor)], new Dictionary<string, string> { ["wer"] = "ich \"\u0001" });
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(path));
        Assert.Equal(["schlüssel \"q\" \\ \n 漢 😀"], file.Tensors.Keys);
        Assert.Equal(new Dictionary<string, string> { ["wer"] = "ich \"\u0001" }, file.Metadata);
    }

    [Fact]
    public void No_tensors_at_all() => Assert.Empty(Write().Tensors);

    // Larger than one span of bytes that the tensor is written and read in.
    [Fact]
    public void A_tensor_of_more_than_one_piece()
    {
        const long size = (1L << 27) + 3;
        var path = _folder.PathOf("file");
        using (var tensor = arange(size, ScalarType.Int64).remainder_(251).to_type(ScalarType.Byte))
        {
            SafetensorsWriter.Write(path, [new("t", tensor)], new Dictionary<string, string>());
        }

        using var file = SafetensorsFile.Open(path);
        using var read = file.Read("t");
        Assert.Equal(size, read.NumberOfElements);
        foreach (var place in new[] { 0L, (1L << 27) - 1, 1L << 27, size - 1 })
        {
            Assert.Equal(place % 251, read[place].item<byte>());
        }
    }

    [Fact]
    public void A_key_twice_is_refused_since_no_reader_would_take_the_file()
    {
        using var tensor = zeros(1);
        var path = _folder.PathOf("file");
        var refusal = Assert.Throws<LoraException>(() => SafetensorsWriter.Write(path, [new("t", tensor), new("t", tensor)], new Dictionary<string, string>()));
        Assert.Equal($"{path}: t: expected one entry of this name, found two.", refusal.Message);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void The_key_of_the_metadata_is_refused_for_a_tensor()
    {
        using var tensor = zeros(1);
        var refusal = Assert.Throws<LoraException>(() => SafetensorsWriter.Write(_folder.PathOf("file"), [new("__metadata__", tensor)], new Dictionary<string, string>()));
        Assert.Contains("__metadata__: expected one entry of this name, found two", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(_folder.Names());
    }

    // No reader would take the file.
    [Fact]
    public void A_header_beyond_the_formats_limit_is_refused()
    {
        var refusal = Assert.Throws<LoraException>(() => SafetensorsWriter.Write(_folder.PathOf("file"), [], new Dictionary<string, string> { ["long"] = new('x', 100_000_001) }));
        Assert.Contains("expected keys and metadata of at most 100000000 bytes", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(_folder.Names());
    }

    [Fact]
    public void A_dtype_that_the_format_lacks_is_refused_and_the_old_file_stays()
    {
        var path = _folder.PathOf("file");
        File.WriteAllText(path, "old");
        using var tensor = zeros(2, ScalarType.ComplexFloat32);
        var refusal = Assert.Throws<LoraException>(() => SafetensorsWriter.Write(path, [new("t", tensor)], new Dictionary<string, string>()));
        Assert.StartsWith($"{path}: t: expected a dtype out of F64", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith("found ComplexFloat32.", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
    }

    private SafetensorsBytes Write(params (string Key, Tensor Tensor)[] tensors)
    {
        var path = _folder.PathOf("file");
        SafetensorsWriter.Write(path, tensors.Select(item => KeyValuePair.Create(item.Key, item.Tensor)), new Dictionary<string, string>());
        return SafetensorsBytes.Parse(File.ReadAllBytes(path));
    }
}
