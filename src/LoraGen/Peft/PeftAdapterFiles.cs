using LoraGen.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>An adapter on disk as PEFT lays it out, opened for reading: <c>adapter_config.json</c> beside <c>adapter_model.safetensors</c> or, where there is none, <c>adapter_model.bin</c>.</summary>
internal sealed class PeftAdapterFiles : IDisposable
{
    private readonly ITensorFile _weights;

    private PeftAdapterFiles(string configPath, LoraConfig config, ITensorFile weights)
        => (ConfigPath, Config, _weights) = (configPath, config, weights);

    public string ConfigPath { get; }

    public LoraConfig Config { get; }

    /// <summary>Opens both files and checks each by itself.</summary>
    /// <exception cref="LoraException">One is missing or malformed.</exception>
    public static PeftAdapterFiles Open(string folder)
    {
        var pair = PeftFilePair.Open(folder);
        try
        {
            // First, since another method's weights are of no use in any format.
            var config = PeftConfigReader.Read(pair.ConfigPath, pair.Config);
            return new PeftAdapterFiles(pair.ConfigPath, config, pair.Weights ?? (ITensorFile)PeftWeights.OpenPickle(folder));
        }
        catch
        {
            pair.Weights?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether the file holds A and B of a projection. Asked before memory is taken for them, since rank and shapes are the file's claims;
    /// what is missing is refused later, when all keys are known.
    /// </summary>
    /// <exception cref="LoraException">One of them has another shape or a dtype that an adapter is not stored in.</exception>
    public bool Holds(string path, int rank, Linear projection)
    {
        var (hasA, hasB) = (IsThere(PeftKeys.A(path), rank, projection.in_features), IsThere(PeftKeys.B(path), projection.out_features, rank));
        return hasA && hasB;
    }

    private bool IsThere(string key, long rows, long columns)
    {
        if (_weights.Find(key) is not { } entry)
        {
            return false;
        }

        if (!entry.Shape.SequenceEqual([rows, columns]))
        {
            throw new LoraException($"{_weights.Path}: {key}: expected shape [{rows}, {columns}], found [{string.Join(", ", entry.Shape)}].");
        }

        if (!PeftKeys.CanHold(entry.Dtype))
        {
            throw new LoraException($"{_weights.Path}: {key}: expected F32, F16 or BF16, found {entry.Dtype}.");
        }

        return true;
    }

    /// <summary>Copies the file's values into a new adapter, after everything has been checked. Values that are not finite are copied too.</summary>
    /// <exception cref="LoraException">A key is missing or unexpected, or the adapter was made for another base.</exception>
    public void CopyTo(LoraAdapter adapter)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var expected = adapter.Updates
            .SelectMany(update => new[] { (Key: PeftKeys.A(update.Path), Parameter: update.A), (Key: PeftKeys.B(update.Path), Parameter: update.B) })
            .ToDictionary(item => item.Key, item => item.Parameter, StringComparer.Ordinal);
        RequireSameKeys(expected);

        // After the shapes, whose message says more when the base has another size altogether.
        if (_weights.Metadata.TryGetValue(PeftKeys.FingerprintMetadata, out var recorded) && recorded != adapter.BaseFingerprint)
        {
            throw new LoraException(
                $"{_weights.Path}: {PeftKeys.FingerprintMetadata}: expected {adapter.BaseFingerprint}, the fingerprint of this base, found {Excerpt.Of(recorded)}: the adapter was trained on other weights, or on these in another dtype.");
        }

        foreach (var (key, parameter) in expected)
        {
            parameter.copy_(_weights.Read(key));
        }
    }

    private void RequireSameKeys(Dictionary<string, Parameter> expected)
    {
        var missing = expected.Keys.Where(key => _weights.Find(key) is null).Order(StringComparer.Ordinal).ToList();
        var unexpected = _weights.Keys.Where(key => !expected.ContainsKey(key)).Order(StringComparer.Ordinal).ToList();
        if (missing.Count + unexpected.Count > 0)
        {
            throw new LoraException($"{_weights.Path}: expected {expected.Count} tensors; missing: [{Excerpt.Of(missing)}]; unexpected: [{Excerpt.Of(unexpected)}].");
        }
    }

    public void Dispose() => _weights.Dispose();
}
