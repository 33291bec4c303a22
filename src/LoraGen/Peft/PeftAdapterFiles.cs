using System.Text.Json;
using LoraGen.Files;
using LoraGen.Safetensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>An adapter on disk as PEFT lays it out: <c>adapter_config.json</c> beside <c>adapter_model.safetensors</c>.</summary>
internal sealed class PeftAdapterFiles : IDisposable
{
    private readonly SafetensorsFile _weights;
    private readonly long _largestRank;

    private PeftAdapterFiles(string configPath, LoraConfig config, SafetensorsFile weights)
    {
        (ConfigPath, Config, _weights) = (configPath, config, weights);
        _largestRank = weights.Entries.Values.Where(entry => PeftKeys.IsA(entry.Key) && entry.End > entry.Begin).Select(entry => entry.Shape.FirstOrDefault()).DefaultIfEmpty().Max();
    }

    public string ConfigPath { get; }

    public LoraConfig Config { get; }

    /// <summary>Writes both files, each as a whole or not at all.</summary>
    public static void Write(string folder, IReadOnlyList<LowRankUpdate> updates, AdapterBuilder builder)
    {
        var config = PeftConfigWriter.Write(updates, builder);
        var metadata = new Dictionary<string, string> { ["format"] = "pt", [PeftKeys.FingerprintMetadata] = builder.BaseFingerprint! };
        SafetensorsWriter.Write(Path.Combine(folder, PeftKeys.WeightsFile), updates.SelectMany(Tensors), metadata);
        AtomicFile.Write(Path.Combine(folder, PeftKeys.ConfigFile), stream => JsonSerializer.Serialize(stream, config, new JsonSerializerOptions { WriteIndented = true }));
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Tensors(LowRankUpdate update)
    {
        update.RequireAlive();
        return [KeyValuePair.Create(PeftKeys.A(update.Path), (Tensor)update.A), KeyValuePair.Create(PeftKeys.B(update.Path), (Tensor)update.B)];
    }

    /// <summary>Opens both files and checks each by itself.</summary>
    /// <exception cref="LoraException">One is missing or malformed.</exception>
    public static PeftAdapterFiles Open(string folder)
    {
        var weights = Path.Combine(folder, PeftKeys.WeightsFile);
        var pickle = Path.Combine(folder, "adapter_model.bin");
        var configPath = Path.Combine(folder, PeftKeys.ConfigFile);

        // First, since another method's weights are of no use in any format.
        var config = PeftConfigReader.Read(configPath);
        return File.Exists(weights) || !File.Exists(pickle)
            ? new PeftAdapterFiles(configPath, config, SafetensorsFile.Open(weights))
            : throw new LoraException($"{pickle}: expected {PeftKeys.WeightsFile}, found a pickle file. Save the adapter again with safe_serialization=True.");
    }

    /// <summary>Checks a rank that the config gives before memory is taken for it; whole shapes are compared later, when all are known.</summary>
    /// <exception cref="LoraException">No tensor of the file is that large.</exception>
    public void RequireRank(string path, int rank)
    {
        if (rank > _largestRank)
        {
            throw new LoraException($"{_weights.Path}: {PeftKeys.A(path)}: expected rank {rank} as in {PeftKeys.ConfigFile}, found no rank above {_largestRank} in the whole file.");
        }
    }

    /// <summary>Copies the file's values into a new adapter, after everything has been checked.</summary>
    /// <exception cref="LoraException">A key is missing or unexpected, a shape or dtype is wrong, or the adapter was made for another base.</exception>
    public void CopyTo(LoraAdapter adapter)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var expected = adapter.Updates
            .SelectMany(update => new[] { (Key: PeftKeys.A(update.Path), Parameter: update.A), (Key: PeftKeys.B(update.Path), Parameter: update.B) })
            .ToDictionary(item => item.Key, item => item.Parameter, StringComparer.Ordinal);
        RequireSameKeys(expected);
        foreach (var (key, parameter) in expected)
        {
            RequireFits(key, parameter);
        }

        // After the shapes, whose message says more when the base has another size altogether.
        if (_weights.Metadata.TryGetValue(PeftKeys.FingerprintMetadata, out var recorded) && recorded != adapter.BaseFingerprint)
        {
            throw new LoraException(
                $"{_weights.Path}: {PeftKeys.FingerprintMetadata}: expected {adapter.BaseFingerprint}, the fingerprint of this base, found {recorded}: the adapter was trained on other weights.");
        }

        foreach (var (key, parameter) in expected)
        {
            parameter.copy_(_weights.Read(key));
        }
    }

    private void RequireSameKeys(Dictionary<string, Parameter> expected)
    {
        var missing = expected.Keys.Where(key => !_weights.Entries.ContainsKey(key)).Order(StringComparer.Ordinal).ToList();
        var unexpected = _weights.Entries.Keys.Where(key => !expected.ContainsKey(key)).Order(StringComparer.Ordinal).ToList();
        if (missing.Count + unexpected.Count > 0)
        {
            throw new LoraException($"{_weights.Path}: expected {expected.Count} tensors; missing: [{Some(missing)}]; unexpected: [{Some(unexpected)}].");
        }
    }

    private static string Some(List<string> keys)
    {
        const int shown = 6;
        return string.Join(", ", keys.Take(shown)) + (keys.Count > shown ? $", and {keys.Count - shown} more" : "");
    }

    private void RequireFits(string key, Parameter parameter)
    {
        var entry = _weights.Entries[key];
        if (!entry.Shape.SequenceEqual(parameter.shape))
        {
            throw new LoraException($"{_weights.Path}: {key}: expected shape [{string.Join(", ", parameter.shape)}], found [{string.Join(", ", entry.Shape)}].");
        }

        if (entry.Dtype is not (ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16))
        {
            throw new LoraException($"{_weights.Path}: {key}: expected F32, F16 or BF16, found {entry.Dtype}.");
        }
    }

    public void Dispose() => _weights.Dispose();
}
