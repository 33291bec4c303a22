using LoraGen.Files;

namespace LoraGen.Peft;

/// <summary>
/// The tensors of a file that were trained whole (PEFT: <c>modules_to_save</c>), by what PEFT names them today. Old versions and raw state
/// dicts keep <c>modules_to_save</c> and the adapter's name in their keys, and the base's own values beside them (<c>original_module</c>).
/// </summary>
internal sealed class PeftSavedTensors
{
    private readonly Dictionary<string, string> _keys = new(StringComparer.Ordinal);
    private readonly List<(string Path, string Key)> _originals = [];

    /// <exception cref="LoraException">The file has one of them twice.</exception>
    public PeftSavedTensors(ITensorFile file)
    {
        var parser = PeftKeyParser.For(file.Path, file.Keys, isLoralib: false);
        foreach (var key in file.Keys.Where(IsWhole).Order(StringComparer.Ordinal))
        {
            var (path, name, kind) = parser.Parse(key);
            if (kind == PeftTensorKind.Original)
            {
                _originals.Add((path, key));
            }
            else if (!_keys.TryAdd(PeftKeys.Saved(path, name), key))
            {
                throw new LoraException($"{file.Path}: {Excerpt.Of(key)}: expected one tensor {Excerpt.Of(name)} of {Excerpt.Of(path)}, found another: {Excerpt.Of(_keys[PeftKeys.Saved(path, name)])}. A file holds one adapter.");
            }
        }
    }

    /// <summary>The key of a module's parameter in the file, or null.</summary>
    public string? Find(string path, string name) => _keys.GetValueOrDefault(PeftKeys.Saved(path, name));

    /// <summary>How the file spells a key; where it has none, as PEFT does. Before 0.6, PEFT had the bias of an adapted layer where the base has it.</summary>
    public string Spelling(string key) => _keys.GetValueOrDefault(key) ?? _keys.GetValueOrDefault(key.Replace(".base_layer.bias", ".bias", StringComparison.Ordinal)) ?? key;

    /// <summary>The keys of the base's own values of a module.</summary>
    public IEnumerable<string> OriginalsOf(string path) => _originals.Where(original => original.Path == path).Select(original => original.Key);

    // Low-rank tensors are looked for by their exact keys, and PEFT passes over what does not have its prefix.
    private static bool IsWhole(string key)
        => key.StartsWith(PeftKeyParser.Prefix, StringComparison.Ordinal) && !key.Contains(".lora_", StringComparison.Ordinal);
}
