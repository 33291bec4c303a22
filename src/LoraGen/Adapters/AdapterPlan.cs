using LoraGen.Files;
using LoraGen.Merging;
using LoraGen.Peft;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>What all builders of one adapter share: the config, and which of its entries have found a projection so far.</summary>
internal sealed class AdapterPlan
{
    private readonly Generator? _generator;
    private readonly PeftAdapterFiles? _files;
    private readonly string _source;
    private readonly ModuleSelection _targets;
    private readonly ModulePattern<int> _ranks;
    private readonly ModulePattern<double> _alphas;
    private readonly List<string> _annotated = [];
    private readonly List<LowRankUpdate> _updates = [];

    /// <param name="model">The base.</param>
    /// <param name="config">The user's, or that of <paramref name="files"/>.</param>
    /// <param name="generator">Source of A's values.</param>
    /// <param name="files">The files that the adapter is made for, or null for a new one.</param>
    public AdapterPlan(nn.Module model, LoraConfig config, Generator? generator, PeftAdapterFiles? files)
    {
        Config = config;
        _generator = generator;
        _files = files;
        _source = files?.ConfigPath ?? nameof(LoraConfig);
        if (config is { TargetModules: not null, TargetModulesPattern: not null })
        {
            throw new LoraException($"{_source}: expected {nameof(LoraConfig.TargetModules)} or {nameof(LoraConfig.TargetModulesPattern)}, found both.");
        }

        _targets = new ModuleSelection(_source, config);
        _ranks = new ModulePattern<int>(_source, nameof(LoraConfig.RankPattern), config.RankPattern);
        _alphas = new ModulePattern<double>(_source, nameof(LoraConfig.AlphaPattern), config.AlphaPattern);
        ModulePaths = model.named_modules().Select(item => item.name).ToHashSet(StringComparer.Ordinal);
        BaseFingerprint = LoraGen.BaseFingerprint.Of(model);
    }

    public LoraConfig Config { get; }

    public string BaseFingerprint { get; }

    public IReadOnlyCollection<string> ModulePaths { get; }

    /// <summary>The update of the projection at <paramref name="path"/>, by the config where it says something, else by the attribute.</summary>
    public LowRankUpdate Update(string path, Linear projection, int rank, double alpha, double dropout)
    {
        _annotated.Add(path);
        if (!_targets.Contains(path))
        {
            return new LowRankUpdate(path, null, null, default, 0);
        }

        var scale = new LoraScale(_ranks.Find(path) ?? Config.Rank ?? rank, _alphas.Find(path) ?? Config.Alpha ?? alpha, Config.UseRslora);
        var probability = Config.Dropout ?? dropout;
        Require(scale.Rank >= 1, "rank", "at least 1", scale.Rank);
        Require(scale.Alpha > 0 && double.IsFinite(scale.Alpha), "alpha", "above 0", scale.Alpha);
        Require(probability is >= 0 and < 1, "dropout", "in [0, 1)", probability);

        // What a file does not hold takes no memory until its keys are compared, and is refused then.
        var rows = _files is null || _files.Holds(path, scale.Rank, projection) ? scale.Rank : 0;
        var update = new LowRankUpdate(path, Uniform(rows, projection), Zeros(projection, rows), scale, probability);
        _updates.Add(update);
        return update;

        void Require(bool holds, string what, string expected, object found)
        {
            if (!holds)
            {
                throw new LoraException(FormattableString.Invariant($"{_source}: {path}: {what}: expected a value {expected}, found {found}."));
            }
        }
    }

    // Kaiming-uniform with a = sqrt(5), PEFT's default, is U(-1/sqrt(in), 1/sqrt(in)). Drawn where the generator lives, so that a seed
    // gives the same A on every device. What a file gives is not drawn first.
    private Parameter Uniform(int rank, Linear projection)
    {
        var bound = 1 / Math.Sqrt(projection.in_features);
        using var drawn = empty(rank, projection.in_features, dtype: ScalarType.Float32, device: _generator?.device ?? CPU);
        if (_files is null)
        {
            drawn.uniform_(-bound, bound, _generator); // TorchSharp 0.107's nn.init.uniform_ does not listen to its generator.
        }

        return OutliveScopes(drawn.to(projection.weight.device));
    }

    private static Parameter Zeros(Linear projection, int rank)
        => OutliveScopes(zeros(projection.out_features, rank, dtype: ScalarType.Float32, device: projection.weight.device));

    // A user may make an adapter inside a dispose scope and keep it.
    private static Parameter OutliveScopes(Tensor values)
    {
        var parameter = new Parameter(values);
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    /// <summary>
    /// Checks that every entry of the config found a projection, and that the adapter can be saved in PEFT's format. In a file's config an
    /// entry may find nothing, as long as another does: PEFT passes over it, and the keys of the tensors say what is adapted.
    /// </summary>
    /// <exception cref="LoraException">An entry matches nothing, nothing is adapted, or the dropouts differ.</exception>
    public void RequireComplete()
    {
        if (_annotated.Count == 0)
        {
            throw new LoraException("The model has no annotated projection: expected a [LoraTarget] in it or in one of its [LoraModel] children.");
        }

        var unmatched = _targets.Unmatched.Concat(_ranks.Unmatched).Concat(_alphas.Unmatched).ToList();
        if (_updates.Count == 0 || (_files is null && unmatched.Count > 0))
        {
            throw new LoraException($"{_source}: [{Excerpt.Of(unmatched)}] matches no annotated projection; the annotated ones are [{string.Join(", ", _annotated)}].");
        }

        if (_updates.Select(update => update.Dropout).Distinct().Count() > 1)
        {
            throw new LoraException("The projections' attributes give different dropouts, but PEFT's format has one lora_dropout for all: set LoraConfig.Dropout, or one value in the attributes.");
        }
    }

    /// <summary>
    /// Checks that each projection has a place of its own in the model, and that the base is itself, so that its fingerprint is the base's
    /// and not that of a merged model.
    /// </summary>
    /// <exception cref="LoraException">A projection is at two places, or unknown to the model, or carries an adapter.</exception>
    public void RequireSound(IReadOnlyList<LoraSite> sites)
    {
        var paths = new Dictionary<Parameter, string>(ReferenceEqualityComparer.Instance);
        foreach (var site in sites)
        {
            // One object at two places has one of two adapters; two objects with one weight merge twice, and do not come apart again.
            if (!paths.TryAdd(site.Projection.weight, site.Path))
            {
                throw new LoraException($"{site.Path}: expected a weight of its own, found that of {paths[site.Projection.weight]}, so that two adapters would change it. Keep the projection in one field and call it from there.");
            }

            if (!ModulePaths.Contains(site.Path))
            {
                throw new LoraException($"{site.Path}: expected a registered component of the model, found none of this name: its state_dict lacks this weight. Call RegisterComponents after the field is assigned; where a base class has called it already, call register_module.");
            }

            if (MergedWeights.Holds(site.Projection))
            {
                throw new LoraException($"{site.Path}: its weight carries a merged adapter. Call Unmerge before making or loading another adapter.");
            }
        }
    }
}
