using static TorchSharp.torch;

namespace LoraGen.Safetensors;

/// <summary>The element types of the safetensors format that TorchSharp can hold, with their names in the file and their sizes.</summary>
internal static class SafetensorsDtype
{
    private static readonly (string Name, ScalarType Type, int Bytes)[] Known =
    [
        ("F64", ScalarType.Float64, 8), ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    public static string Names { get; } = string.Join(", ", Known.Select(known => known.Name));

    public static bool TryParse(string name, out ScalarType type, out int bytes)
    {
        (_, type, bytes) = Known.FirstOrDefault(known => known.Name == name);
        return bytes > 0;
    }

    /// <exception cref="LoraException">The format has none; the message begins with <paramref name="place"/>.</exception>
    public static (string Name, int Bytes) Of(string place, ScalarType type)
    {
        var (name, _, bytes) = Known.FirstOrDefault(known => known.Type == type);
        return name is null
            ? throw new LoraException($"{place}: expected a dtype out of {Names}, which the safetensors format has, found {type}.")
            : (name, bytes);
    }
}
