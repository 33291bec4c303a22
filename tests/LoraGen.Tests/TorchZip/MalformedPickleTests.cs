using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using LoraGen.TorchZip;
using static LoraGen.Tests.Reference.PickleBytes;

namespace LoraGen.Tests.TorchZip;

/// <summary>A pickle that is anything but a dictionary of tensors is refused, and nothing that it names is run.</summary>
public sealed class MalformedPickleTests : IDisposable
{
    private static readonly Stored Good = new("FloatStorage", "0", 4, [2, 2], [2, 1]);

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, byte[], string> Pickles => new(
        ("os.system", new PickleBytes().Global("os", "system").Text("true").Raw("\x85R").End(), "found os.system, which a file of plain tensors does not need and which is not run"),
        ("posix.system by protocol 4", new PickleBytes().Text("posix").Text("system").Raw("\x93").End(), "expected an opcode that torch.save writes, found 0x93"),
        ("builtins.eval", new PickleBytes().Global("builtins", "eval").End(), "found builtins.eval, which a file of plain tensors does not need"),
        ("torch.load", new PickleBytes().Global("torch", "load").End(), "found torch.load, which a file of plain tensors does not need"),
        ("a storage of another module", new PickleBytes().Global("mytorch", "FloatStorage").End(), "found mytorch.FloatStorage, which a file of plain tensors does not need"),
        ("another rebuilding", new PickleBytes().Global("torch._utils", "_rebuild_sparse_tensor").End(), "found torch._utils._rebuild_sparse_tensor, which a file of plain tensors does not need"),
        ("complex numbers", Dictionary(("w", Good with { Storage = "ComplexFloatStorage" })), "found torch.ComplexFloatStorage, which a file of plain tensors does not need"),
        ("INST", new PickleBytes().Raw("(ios\nsystem\n").End(), "found 0x69"),
        ("OBJ", new PickleBytes().Raw("(o").End(), "found 0x6F"),
        ("NEWOBJ", new PickleBytes().Raw("))\x81").End(), "found 0x81"),
        ("EXT1", new PickleBytes().Raw("\x82\x01").End(), "found 0x82"),
        ("PERSID", new PickleBytes().Raw("P0\n").End(), "found 0x50"),
        ("a list", new PickleBytes().Raw("]").End(), "found 0x5D"),
        ("another protocol", [0x80, 4, (byte)'}', (byte)'.'], "byte 0: expected a pickle of protocol 2, found other bytes"),
        ("nothing", [], "expected a pickle of protocol 2"),
        ("no end", [0x80, 2, (byte)'}'], "byte 3: expected 1 more bytes, found 0"),
        ("more after the end", [.. Dictionary(), 0], "expected nothing after the end, found 1 bytes"),
        ("an empty stack", new PickleBytes().End(), "expected one value at the end, found 0"),
        ("two values", new PickleBytes().Raw("}}").End(), "expected one value at the end, found 2"),
        ("a number", new PickleBytes().Integer(7).End(), "expected a dictionary of tensors, found 7"),
        ("a tensor alone", new PickleBytes().Tensor(Good).End(), "expected a dictionary of tensors, found a tensor"),
        ("a dictionary of numbers", new PickleBytes().Raw("}").Text("epoch").Integer(3).Raw("s").End(), "epoch: expected a tensor, found another value"),
        ("a number as key", new PickleBytes().Raw("}").Integer(1).Tensor(Good).Raw("s").End(), "expected a text as key, found 1"),
        ("one name twice", Dictionary(("w", Good), ("w", Good)), "expected one entry of a name, found two of w"),
        ("a key without value", new PickleBytes().Raw("}(").Text("w").Raw("u").End(), "expected pairs of key and value, found 1 values"),
        ("SETITEMS without a mark", new PickleBytes().Raw("}u").End(), "expected a mark, found none"),
        ("a tuple over a mark", new PickleBytes().Raw("K\x01(\x85").End(), "expected 1 values, found fewer"),
        ("a tuple of too few", new PickleBytes().Raw("K\x01\x87").End(), "expected 3 values, found fewer"),
        ("a mark as value", new PickleBytes().Raw("(q\x01").End(), "expected a value to keep, found none"),
        ("what was not kept", new PickleBytes().Raw("h\x05").End(), "expected a number under which a value was kept, found 5"),
        ("what was not kept, far", new PickleBytes().Raw("j\xFF\xFF\xFF\xFF").End(), "found 4294967295"),
        ("a text longer than the file", new PickleBytes().Raw("X\xFF\xFF\xFF\xFF" + "abc").End(), "expected 4294967295 more bytes, found 4"),
        ("a text that is none", new PickleBytes().Raw("X\x01\x00\x00\x00\xFF").End(), "expected a text in UTF-8"),
        ("a class without end", new PickleBytes().Raw("ctorch").End(), "expected a line, found no end of it"),
        ("an integer of 9 bytes", new PickleBytes().Raw("\x8A\x09" + "123456789").End(), "expected an integer of at most 8 bytes, found one of 9"),
        ("a call of nothing", new PickleBytes().Raw(")R").End(), "expected a function, found nothing"),
        ("a call with no tuple", new PickleBytes().Global("collections", "OrderedDict").Raw("NR").End(), "expected a tuple of arguments, found None"),
        ("a call of a storage", new PickleBytes().Global("torch", "FloatStorage").Raw(")R").End(), "found torch.FloatStorage with 0"),
        ("OrderedDict with arguments", new PickleBytes().Global("collections", "OrderedDict").Raw("K\x01\x85R").End(), "found collections.OrderedDict with 1"),
        ("a tensor of nothing", new PickleBytes().Global("torch._utils", "_rebuild_tensor_v2").Raw(")R").End(), "expected the arguments storage, offset"),
        ("a tensor with metadata", Rebuilt(new PickleBytes().Storage("FloatStorage", "0", 4).Integer(0).Integers(2).Integers(1).Raw("\x89}}").Text("neg").Raw("\x88s")), "expected the arguments storage, offset"),
        ("a tensor with hooks", Rebuilt(new PickleBytes().Storage("FloatStorage", "0", 4).Integer(0).Integers(2).Integers(1).Raw("\x89}").Text("hook").Raw("Ns")), "expected the arguments storage, offset"),
        ("a storage that is no storage", new PickleBytes().Raw(")Q").End(), "expected ('storage', class, key, device, elements), found a tuple of 0"),
        ("a module as storage", new PickleBytes().Raw("(").Text("module").Global("torch", "FloatStorage").Text("0").Text("cpu").Integer(4).Raw("tQ").End(), "found a tuple of 5"),
        ("a function as storage class", new PickleBytes().Raw("(").Text("storage").Global("collections", "OrderedDict").Text("0").Text("cpu").Integer(4).Raw("tQ").End(), "found a tuple of 5"),
        ("a negative number of elements", new PickleBytes().Storage("FloatStorage", "0", -1).End(), "expected ('storage'"),
        ("a negative size", Dictionary(("w", Good with { Shape = [-2, 2] })), "integers that are not negative"),
        ("a negative stride", Dictionary(("w", Good with { Strides = [-2, 1] })), "integers that are not negative"),
        ("65 dimensions", Dictionary(("w", Good with { Shape = new long[65], Strides = new long[65] })), "at most 64 integers"),
        ("fewer strides than sizes", Dictionary(("w", Good with { Strides = [1] })), "expected a tensor that lies inside its storage of 4 elements and is not larger, found [2, 2] with strides [1]"),
        ("a negative offset", Dictionary(("w", Good with { Offset = -1 })), "from -1 on"),
        ("one element too far", Dictionary(("w", Good with { Offset = 1 })), "from 1 on"),
        ("a stride too wide", Dictionary(("w", Good with { Strides = [3, 1] })), "with strides [3, 1]"),
        ("a terabyte of one element", Dictionary(("w", Good with { Shape = [1L << 20, 1L << 20], Strides = [0, 0] })), "is not larger"),
        ("more elements than there are numbers", Dictionary(("w", Good with { Shape = [1L << 32, 1L << 32], Strides = [0, 0] })), "is not larger"),
        ("an empty tensor with more", Dictionary(("w", Good with { Shape = [0, 1L << 62, 4], Strides = [1, 1, 1] })), "is not larger"),
        ("an index beyond all numbers", Dictionary(("w", Good with { Shape = [2, 2], Strides = [long.MaxValue, long.MaxValue] })), "lies inside its storage"),
        ("a storage that is not there", Dictionary(("w", Good with { Key = "9" })), "data/9: expected an entry of this name, found none"),
        ("a storage elsewhere", Dictionary(("w", Good with { Key = "../../etc/passwd" })), "data/../../etc/passwd: expected an entry of this name, found none"),
        ("a storage of fewer elements", Dictionary(("w", new Stored("FloatStorage", "0", 3, [3], [1]))), "data/0: expected 3 elements of 4 bytes, found 16 bytes"),
        ("a storage of wider elements", Dictionary(("w", new Stored("DoubleStorage", "0", 4, [4], [1]))), "data/0: expected 4 elements of 8 bytes, found 16 bytes"),
        ("a storage of more elements than there are numbers", Dictionary(("w", new Stored("DoubleStorage", "0", long.MaxValue, [4], [1]))), "found 16 bytes"));

    [Theory]
    [MemberData(nameof(Pickles))]
    public void A_pickle_of(string what, byte[] pickle, string message)
    {
        var path = _folder.PathOf("model.bin");
        File.WriteAllBytes(path, TorchZipBytes.Write(pickle, ("0", new byte[16])));
        var refusal = Assert.Throws<LoraException>(() => TorchZipFile.Open(path)).Message;
        Assert.StartsWith($"{path}: ", refusal, StringComparison.Ordinal);
        Assert.True(refusal.Contains(message, StringComparison.Ordinal), $"{what}: {refusal}");
    }

    // Each view is as large as the file may be; together they are far more.
    [Fact]
    public void A_hundred_tensors_of_the_same_bytes()
    {
        var path = _folder.PathOf("model.bin");
        var view = new Stored("FloatStorage", "0", 100_000, [100_000], [1]);
        File.WriteAllBytes(path, TorchZipBytes.Write(Dictionary(Enumerable.Range(0, 100).Select(i => ($"w{i}", view))), ("0", new byte[400_000])));
        Assert.Contains("w8: expected tensors of at most 8 times the file's", Assert.Throws<LoraException>(() => TorchZipFile.Open(path)).Message, StringComparison.Ordinal);
    }

    // A machine that searched its whole stack for a mark at each tuple would take hours.
    [Fact]
    public void A_megabyte_of_tuples_without_a_mark()
    {
        var path = _folder.PathOf("model.bin");
        File.WriteAllBytes(path, TorchZipBytes.Write(new PickleBytes().Raw(new string('N', 500_000) + new string('\x85', 500_000)).End()));
        Assert.Contains("expected one value at the end, found 500000", Assert.Throws<LoraException>(() => TorchZipFile.Open(path)).Message, StringComparison.Ordinal);
    }

    private static byte[] Rebuilt(PickleBytes arguments)
        => [0x80, 2, .. "ctorch._utils\n_rebuild_tensor_v2\n("u8, .. arguments.End()[2..^1], (byte)'t', (byte)'R', (byte)'.'];
}
