using LoraGen.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers;

/// <summary>Loads a base model's weights strictly: every key and shape is checked before the first weight is assigned.</summary>
internal static class Checkpoint
{
    /// <summary>Assigns every tensor of a safetensors file to the module's parameter or buffer of the same name.</summary>
    /// <param name="path">The safetensors file.</param>
    /// <param name="module">The model, changed in place.</param>
    /// <param name="dtype">Element type to convert the module to; null takes the file's, which then must be one for all tensors.</param>
    /// <exception cref="LoraException">Missing or unexpected keys, other shapes, or mixed dtypes without a <paramref name="dtype"/>.</exception>
    public static void Load(string path, nn.Module module, ScalarType? dtype)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var file = SafetensorsFile.Open(path);

        var state = module.state_dict();
        var missing = state.Keys.Where(key => !file.Entries.ContainsKey(key)).Order(StringComparer.Ordinal).ToList();
        var unexpected = file.Entries.Keys.Where(key => !state.ContainsKey(key)).Order(StringComparer.Ordinal).ToList();
        if (missing.Count + unexpected.Count > 0)
        {
            throw new LoraException($"{path}: expected the keys of {module.GetName()}; missing: [{string.Join(", ", missing)}]; unexpected: [{string.Join(", ", unexpected)}].");
        }

        foreach (var (key, tensor) in state)
        {
            if (!tensor.shape.SequenceEqual(file.Entries[key].Shape))
            {
                throw new LoraException($"{path}: {key}: expected shape [{string.Join(", ", tensor.shape)}], found [{string.Join(", ", file.Entries[key].Shape)}].");
            }

            if (file.Entries[key].Dtype is not (ScalarType.BFloat16 or ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64))
            {
                throw new LoraException($"{path}: {key}: expected BF16, F16, F32 or F64, found {file.Entries[key].Dtype}.");
            }
        }

        module.to(dtype ?? CommonDtype(path, file));
        foreach (var (key, tensor) in module.state_dict())
        {
            tensor.copy_(file.Read(key));
        }
    }

    /// <summary>Checks the shape of one tensor by the file's header alone.</summary>
    /// <exception cref="LoraException">The file is missing or malformed, or has no such tensor of that shape.</exception>
    public static void RequireShape(string path, string key, params long[] shape)
    {
        using var file = SafetensorsFile.Open(path);
        if (!file.Entries.TryGetValue(key, out var entry) || !entry.Shape.SequenceEqual(shape))
        {
            throw new LoraException($"{path}: {key}: expected shape [{string.Join(", ", shape)}], found {(entry is null ? "no such tensor" : $"[{string.Join(", ", entry.Shape)}]")}.");
        }
    }

    private static ScalarType CommonDtype(string path, SafetensorsFile file)
    {
        var dtypes = file.Entries.Values.Select(entry => entry.Dtype).Distinct().ToList();
        return dtypes.Count == 1
            ? dtypes[0]
            : throw new LoraException($"{path}: expected one dtype for all tensors, found {string.Join(", ", dtypes)}; say which one to load.");
    }
}
