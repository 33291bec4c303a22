using System.Text;

namespace LoraGen.Tests.Reference;

/// <summary>A pickle of protocol 2 written opcode by opcode, as <c>torch.save</c> writes one and as it does not.</summary>
internal sealed class PickleBytes
{
    private readonly List<byte> _bytes = [0x80, 2];
    private byte _kept;

    /// <summary>A dictionary of tensors.</summary>
    public static byte[] Dictionary(params IEnumerable<(string Key, Stored Tensor)> tensors)
    {
        var pickle = new PickleBytes().Raw("}").Keep().Raw("(");
        foreach (var (key, tensor) in tensors)
            pickle.Text(key).Keep().Tensor(tensor);
        return pickle.Raw("u").End();
    }

    /// <summary>A tensor as a view of a storage.</summary>
    public sealed record Stored(string Storage, string Key, long StorageElements, long[] Shape, long[] Strides, long Offset = 0);

    /// <summary>Opcodes as they stand in the documentation of pickle, with the bytes of their arguments.</summary>
    public PickleBytes Raw(string latin)
    {
        _bytes.AddRange(Encoding.Latin1.GetBytes(latin));
        return this;
    }

    /// <summary>Remembers the top under the next number (BINPUT).</summary>
    public PickleBytes Keep()
    {
        _bytes.AddRange([(byte)'q', _kept++]);
        return this;
    }

    public PickleBytes Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        _bytes.AddRange([(byte)'X', .. BitConverter.GetBytes(bytes.Length), .. bytes]);
        return this;
    }

    public PickleBytes Integer(long value)
    {
        _bytes.AddRange(value switch
        {
            >= 0 and <= byte.MaxValue => [(byte)'K', (byte)value],
            >= 0 and <= ushort.MaxValue => [(byte)'M', .. BitConverter.GetBytes((ushort)value)],
            >= int.MinValue and <= int.MaxValue => [(byte)'J', .. BitConverter.GetBytes((int)value)],
            _ => (byte[])[0x8A, 8, .. BitConverter.GetBytes(value)],
        });
        return this;
    }

    public PickleBytes Global(string module, string name) => Raw($"c{module}\n{name}\n");

    public PickleBytes Integers(params long[] values)
    {
        _ = values.Length is 0 or > 3 ? Raw("(") : this;
        foreach (var value in values)
            Integer(value);
        return Raw(values.Length switch { 0 => "t", 1 => "\x85", 2 => "\x86", 3 => "\x87", _ => "t" });
    }

    public PickleBytes Storage(string type, string key, long elements)
        => Raw("(").Text("storage").Global("torch", type).Text(key).Text("cuda:0").Integer(elements).Raw("tQ");

    public PickleBytes Tensor(Stored tensor) => Global("torch._utils", "_rebuild_tensor_v2").Raw("(")
        .Storage(tensor.Storage, tensor.Key, tensor.StorageElements)
        .Integer(tensor.Offset).Integers(tensor.Shape).Integers(tensor.Strides)
        .Raw("\x89").Global("collections", "OrderedDict").Raw(")RtR");

    public byte[] End() => [.. _bytes, (byte)'.'];
}
