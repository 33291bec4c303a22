using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using LoraGen.TorchZip;
using static LoraGen.Tests.Reference.PickleBytes;
using static TorchSharp.torch;

namespace LoraGen.Tests.TorchZip;

/// <summary>What torch.save writes is read: every dtype, every way to lie in a storage.</summary>
public sealed class ReaderTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, ScalarType, int> Dtypes => new(
        ("DoubleStorage", ScalarType.Float64, 8), ("FloatStorage", ScalarType.Float32, 4), ("HalfStorage", ScalarType.Float16, 2), ("BFloat16Storage", ScalarType.BFloat16, 2),
        ("LongStorage", ScalarType.Int64, 8), ("IntStorage", ScalarType.Int32, 4), ("ShortStorage", ScalarType.Int16, 2), ("CharStorage", ScalarType.Int8, 1),
        ("ByteStorage", ScalarType.Byte, 1), ("BoolStorage", ScalarType.Bool, 1));

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void Every_dtype(string storage, ScalarType dtype, int size)
    {
        var data = Enumerable.Range(0, 6 * size).Select(i => dtype == ScalarType.Bool ? (byte)(i % 2) : (byte)(7 * i)).ToArray();
        using var file = Open(Dictionary(("w", new Stored(storage, "0", 6, [2, 3], [3, 1]))), ("0", data));
        var entry = Assert.Single(file.Entries).Value;
        Assert.Equal(("w", dtype), (entry.Key, entry.Dtype));
        Assert.Equal([2, 3], entry.Shape);
        using var tensor = file.Read("w");
        Assert.Equal([2, 3], tensor.shape);
        Assert.Equal(data, Base.Bytes(tensor));
    }

    // The expected values are the indices into the storage, which holds 0, 1, 2...
    public static TheoryData<string, long[], long[], long, double[]> Views => new(
        ("transposed", [3, 2], [1, 3], 0, [0, 3, 1, 4, 2, 5]),
        ("all of it, transposed", [4, 2], [1, 4], 0, [0, 4, 1, 5, 2, 6, 3, 7]),
        ("all of it, with a stride that is not used", [1, 8], [5, 1], 0, [0, 1, 2, 3, 4, 5, 6, 7]),
        ("a row of it", [3], [1], 3, [3, 4, 5]),
        ("a column of it", [2], [3], 1, [1, 4]),
        ("every second", [4], [2], 1, [1, 3, 5, 7]),
        ("rows that overlap", [3, 2], [1, 1], 0, [0, 1, 1, 2, 2, 3]),
        ("one value again and again", [5], [0], 7, [7, 7, 7, 7, 7]),
        ("the last element", [1, 1], [8, 8], 7, [7]),
        ("no dimensions", [], [], 2, [2]),
        ("no elements", [0, 3], [3, 1], 0, []),
        ("no elements, beyond the end", [4, 0], [9, 9], 99, []));

    [Theory]
    [MemberData(nameof(Views))]
    public void A_view_of_a_storage(string view, long[] shape, long[] strides, long offset, double[] expected)
    {
        var data = Enumerable.Range(0, 8).SelectMany(i => BitConverter.GetBytes((float)i)).ToArray();
        using var file = Open(Dictionary(("w", new Stored("FloatStorage", "0", 8, shape, strides, offset))), ("0", data));
        using var tensor = file.Read("w");
        Assert.Equal(shape, tensor.shape);
        Assert.True(tensor.is_contiguous(), view);
        Assert.Equal(expected, Values.Flat(tensor));
    }

    [Fact]
    public void Two_tensors_of_one_storage_are_tensors_of_their_own()
    {
        var whole = new Stored("FloatStorage", "0", 2, [2], [1]);
        using var file = Open(Dictionary(("a", whole), ("b", whole)), ("0", new byte[8]));
        using var first = file.Read("a");
        using var second = file.Read("b");
        first.fill_(1);
        Assert.Equal([0, 0], Values.Flat(second));
    }

    [Fact]
    public void An_OrderedDict_with_attributes_and_integers_of_all_lengths()
    {
        // What state_dict() is: its attribute holds the versions of modules.
        var pickle = new PickleBytes().Global("collections", "OrderedDict").Raw(")R").Text("w")
            .Global("torch._utils", "_rebuild_tensor_v2").Raw("(").Storage("FloatStorage", "0", 1)
            .Raw("\x8A\x01\x00").Raw("(J\x01\x00\x00\x00M\x01\x00t").Raw("\x8A\x02\x01\x00K\x01\x86").Raw("\x88").Global("collections", "OrderedDict").Raw(")RNtR")
            .Raw("s}").Text("_metadata").Raw("}sb").End();
        using var file = Open(pickle, ("0", [0, 0, 128, 63]));
        using var tensor = file.Read("w");
        Assert.Equal([1, 1], tensor.shape);
        Assert.Equal([1], Values.Flat(tensor));
    }

    // loralib's example of language generation saves so.
    [Fact]
    public void A_dictionary_inside_model_state_dict()
    {
        var pickle = new PickleBytes().Raw("}").Text("model_state_dict").Raw("}").Text("w").Tensor(new Stored("FloatStorage", "0", 1, [1], [1])).Raw("ss").End();
        using var file = Open(pickle, ("0", [0, 0, 128, 63]));
        Assert.Equal(["w"], file.Entries.Keys);
    }

    [Fact]
    public void A_key_that_is_not_there()
    {
        using var file = Open(Dictionary(("w", new Stored("FloatStorage", "0", 1, [1], [1]))), ("0", new byte[4]));
        Assert.Equal($"{file.Path}: v: expected a tensor of this name, found 1 others.", Assert.Throws<LoraException>(() => file.Read("v")).Message);
    }

    private TorchZipFile Open(byte[] pickle, params (string Key, byte[] Data)[] storages)
    {
        var path = _folder.PathOf("model.bin");
        File.WriteAllBytes(path, TorchZipBytes.Write(pickle, storages));
        return TorchZipFile.Open(path);
    }
}
