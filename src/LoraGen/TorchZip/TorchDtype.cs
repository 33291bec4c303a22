using static TorchSharp.torch;

namespace LoraGen.TorchZip;

/// <summary>The storage classes by which a pickle names element types, and the sizes of these.</summary>
internal static class TorchDtype
{
    private static readonly Dictionary<string, (ScalarType Type, int Bytes)> Known = new(StringComparer.Ordinal)
    {
        ["DoubleStorage"] = (ScalarType.Float64, 8),
        ["FloatStorage"] = (ScalarType.Float32, 4),
        ["HalfStorage"] = (ScalarType.Float16, 2),
        ["BFloat16Storage"] = (ScalarType.BFloat16, 2),
        ["LongStorage"] = (ScalarType.Int64, 8),
        ["IntStorage"] = (ScalarType.Int32, 4),
        ["ShortStorage"] = (ScalarType.Int16, 2),
        ["CharStorage"] = (ScalarType.Int8, 1),
        ["ByteStorage"] = (ScalarType.Byte, 1),
        ["BoolStorage"] = (ScalarType.Bool, 1),
    };

    public static string Names { get; } = string.Join(", ", Known.Keys);

    public static bool IsStorage(string name) => Known.ContainsKey(name);

    public static (ScalarType Type, int Bytes) Of(string storage) => Known[storage];
}
