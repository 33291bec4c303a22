using LoraGen.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>An adapter on disk as PEFT lays it out, opened for reading: <c>adapter_config.json</c> beside <c>adapter_model.safetensors</c> or, where there is none, <c>adapter_model.bin</c>.</summary>
internal sealed class PeftAdapterFiles : IDisposable
{
    private readonly ITensorFile _weights;
    private readonly PeftSavedTensors _saved;

    private PeftAdapterFiles(string configPath, LoraConfig config, ITensorFile weights)
        => (ConfigPath, Config, _weights, _saved) = (configPath, config, weights, new PeftSavedTensors(weights));

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
    /// Whether the file holds A and B of a projection, and with DoRA its magnitude, with <c>lora_bias</c> B's bias. Asked before memory is taken for them, since rank and shapes are the file's claims;
    /// what is missing is refused later, when all keys are known.
    /// </summary>
    /// <exception cref="LoraException">One of them has another shape or a dtype that an adapter is not stored in.</exception>
    public bool Holds(Annotation annotation, int rank, bool useDora, bool hasBBias)
    {
        var (path, kind) = (annotation.Path, annotation.Kind);
        var (hasA, hasB) = (IsThere(PeftKeys.A(path, kind), annotation.ShapeOfA(rank)), IsThere(PeftKeys.B(path, kind), annotation.ShapeOfB(annotation.OutSize, rank)));
        var hasMagnitude = !useDora || IsThere(PeftKeys.Magnitude(path), annotation.ShapeOfMagnitude);
        var hasBias = !hasBBias || IsThere(PeftKeys.BBias(path), annotation.OutSize);
        return hasA && hasB && hasMagnitude && hasBias;
    }

    /// <summary>Whether the file holds the base's bias of an adapted projection.</summary>
    public bool HoldsBias(string path) => _weights.Find(_saved.Spelling(PeftKeys.BaseBias(path))) is not null;

    /// <summary>Checks what the file holds of a bias that was trained; what is missing is refused later, when all keys are known.</summary>
    /// <exception cref="LoraException">It has another shape than the base's, or a dtype that an adapter is not stored in.</exception>
    public void RequireBias(string path, Tensor bias) => IsThere(_saved.Spelling(PeftKeys.BaseBias(path)), bias.shape);

    /// <summary>The same of rows of an embedding.</summary>
    /// <exception cref="LoraException">They have another shape, or a dtype that an adapter is not stored in.</exception>
    public void RequireTokenRows(string path, long[] shape) => IsThere(_saved.Spelling(PeftKeys.TokenRows(path)), shape);

    /// <summary>Whether the file holds the whole weight of a projection.</summary>
    public bool HoldsWhole(string path) => _saved.Find(path, ProjectionWeight.WeightName) is not null;

    /// <summary>Checks what the file holds of a projection that is saved whole; what is missing is refused later, when all keys are known.</summary>
    /// <exception cref="LoraException">It has another shape than the base's, or a dtype that an adapter is not stored in.</exception>
    public void RequireWhole(string path, string name, Tensor parameter)
    {
        if (_saved.Find(path, name) is { } key)
        {
            IsThere(key, parameter.shape);
        }
    }

    private bool IsThere(string key, params long[] shape)
    {
        if (_weights.Find(key) is not { } entry)
        {
            return false;
        }

        if (!entry.Shape.SequenceEqual(shape))
        {
            throw new LoraException($"{_weights.Path}: {key}: expected shape [{string.Join(", ", shape)}], found [{string.Join(", ", entry.Shape)}].");
        }

        if (!PeftKeys.CanHold(entry.Dtype))
        {
            throw new LoraException($"{_weights.Path}: {key}: expected F32, F16 or BF16, found {entry.Dtype}.");
        }

        return true;
    }

    /// <summary>Copies the file's values into a new adapter, after everything has been checked. Values that are not finite are copied too.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="sites">Its projections.</param>
    /// <param name="model">The base.</param>
    /// <exception cref="LoraException">A key is missing or unexpected, or the adapter was made for another base.</exception>
    public void CopyTo(LoraAdapter adapter, IReadOnlyList<LoraSite> sites, nn.Module model)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var saved = adapter.Owners.SelectMany(PeftKeys.OfOwn).Select(item => (Key: _saved.Spelling(item.Key), Parameter: item.Value)).ToList();
        HashSet<string> expected = [.. adapter.Updates.SelectMany(PeftKeys.Of), .. saved.Select(item => item.Key)];
        var kept = KeptWeights(sites).Concat(OtherBiases(adapter, model))
            .Where(item => _weights.Find(item.Key) is not null && !expected.Contains(item.Key))
            .ToDictionary(StringComparer.Ordinal);
        var originals = adapter.SavedProjections.SelectMany(whole => _saved.OriginalsOf(whole.Path));
        RequireSameKeys(expected, [.. kept.Keys, .. originals]);

        // After the shapes, whose message says more when the base has another size altogether.
        if (_weights.Metadata.TryGetValue(PeftKeys.FingerprintMetadata, out var recorded) && recorded != adapter.BaseFingerprint)
        {
            throw new LoraException(
                $"{_weights.Path}: {PeftKeys.FingerprintMetadata}: expected {adapter.BaseFingerprint}, the fingerprint of this base, found {Excerpt.Of(recorded)}: the adapter was trained on other weights, or on these in another dtype.");
        }

        if (recorded is null)
        {
            RequireAsInPeft(sites);
        }

        foreach (var (key, weight) in kept)
        {
            RequireSameValues(key, weight);
        }

        foreach (var update in adapter.Updates)
        {
            CopyTo(update);
        }

        foreach (var (key, parameter) in saved)
        {
            parameter.copy_(_weights.Read(key));
        }
    }

    // What LoraGen saved has its fingerprint.
    private void RequireAsInPeft(IReadOnlyList<LoraSite> sites)
    {
        foreach (var site in sites.Where(site => site.Update.IsTargeted))
        {
            if (site.Projection is Convolution convolution)
            {
                ConvUpdate.RequireAsInPeft(_weights.Path, site.Path, convolution);
            }
        }
    }
    private static IEnumerable<KeyValuePair<string, Parameter>> KeptWeights(IReadOnlyList<LoraSite> sites)
        => sites.Where(site => site.Update.IsTargeted || site.Update.TokenRows is not null)
            .Select(site => KeyValuePair.Create(site.Update.IsTargeted ? PeftKeys.BaseWeight(site.Path) : PeftKeys.TokenBaseWeight(site.Path), ProjectionWeight.Of(site.Projection)));

    // With bias all, PEFT saves those too that no adapter can swap here, as of a LayerNorm.
    private static IEnumerable<KeyValuePair<string, Parameter>> OtherBiases(LoraAdapter adapter, nn.Module model)
        => adapter.Config.Bias == TrainedBiases.All
            ? OwnBiases.Others(model, adapter.Owners.Where(update => update.OwnsBias).Select(update => update.Path)).Select(item => KeyValuePair.Create(PeftKeys.Whole(item.Key), item.Value))
            : [];

    private void CopyTo(LowRankUpdate update)
    {
        update.A.copy_(_weights.Read(PeftKeys.A(update.Path, update.Kind)));
        update.B.copy_(B(update));
        if (update.Magnitude is { } magnitude)
        {
            magnitude.copy_(_weights.Read(PeftKeys.Magnitude(update.Path)));
        }
    }

    // Of slices, the blocks of a B that is zero elsewhere; what PEFT or someone else trained on the whole projection is not.
    private Tensor B(LowRankUpdate update)
    {
        var key = PeftKeys.B(update.Path, update.Kind);
        var stored = _weights.Read(key);
        if (update.Slices is not { } slices)
        {
            return stored;
        }

        return slices.AreAllOf(stored)
            ? slices.Taken(stored)
            : throw new LoraException($"{_weights.Path}: {key}: expected zeros outside the blocks of the slices [{string.Join(", ", slices.Trained)}] of {slices.Count} that are adapted here, found other numbers: the adapter was trained on other slices or on the whole projection.");
    }

    // PEFT saves the base's own weight of an adapted embedding too, since its vocabulary may have been extended. Where it was not, the
    // base has these values already; which of the two was rounded to the other's dtype is not known.
    private void RequireSameValues(string key, Parameter weight)
    {
        using var scope = NewDisposeScope();
        var entry = _weights.Find(key)!;
        var stored = _weights.Read(key).to(weight.device);
        if (!entry.Shape.SequenceEqual(weight.shape) || !(Same(stored.to_type(weight.dtype), weight) || Same(weight.to_type(stored.dtype), stored)))
        {
            throw new LoraException($"{_weights.Path}: {key}: expected the values of this base, which are [{string.Join(", ", weight.shape)}], found others, which are [{string.Join(", ", entry.Shape)}]: the adapter was trained on a base in which this was extended or replaced, or trained it where LoraGen cannot swap it (bias all). Load a base that has these values.");
        }

        static bool Same(Tensor left, Tensor right) => left.eq(right).all().item<bool>();
    }

    private void RequireSameKeys(HashSet<string> expected, HashSet<string> known)
    {
        var missing = expected.Where(key => _weights.Find(key) is null).Order(StringComparer.Ordinal).ToList();
        var unexpected = _weights.Keys.Where(key => !expected.Contains(key) && !known.Contains(key)).Order(StringComparer.Ordinal).ToList();
        if (missing.Count + unexpected.Count > 0)
        {
            throw new LoraException($"{_weights.Path}: expected {expected.Count} tensors; missing: [{Excerpt.Of(missing)}]; unexpected: [{Excerpt.Of(unexpected)}].");
        }
    }

    public void Dispose() => _weights.Dispose();
}
