using System.Runtime.InteropServices;
using LoraGen.Files;
using LoraGen.Merging;
using LoraGen.Peft;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>What all builders of one adapter share: the config, and which of its entries have found a projection so far.</summary>
internal sealed class AdapterPlan : IDisposable
{
    private readonly Generator? _generator;
    private readonly PeftAdapterFiles? _files;
    private readonly string _source;
    private readonly ModuleSelection _targets;
    private readonly ModulePattern<int> _ranks;
    private readonly ModulePattern<double> _alphas;
    private readonly List<string> _annotated = [];
    private readonly List<(LowRankUpdate Update, nn.Module Projection, LoraInit Init)> _updates = [];
    private readonly List<Parameter> _parameters = [];
    private readonly BaseCopies _copies = new();
    private readonly OwnBiases _biases;
    private readonly OwnTokenRows _tokens;

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
        _targets = new ModuleSelection(_source, config);
        _ranks = new ModulePattern<int>(_source, nameof(LoraConfig.RankPattern), config.RankPattern);
        _alphas = new ModulePattern<double>(_source, nameof(LoraConfig.AlphaPattern), config.AlphaPattern);
        ModulePaths = model.named_modules().Select(item => item.name).ToHashSet(StringComparer.Ordinal);
        Saved = new SavedModules(_source, config, model, ModulePaths, files, _copies);
        _biases = new OwnBiases(_source, config, model, files, _copies);
        _tokens = new OwnTokenRows(_source, config, model, files, _copies);
        BaseFingerprint = LoraGen.BaseFingerprint.Of(model);
    }

    public LoraConfig Config { get; }

    public string BaseFingerprint { get; }

    public IReadOnlyCollection<string> ModulePaths { get; }

    /// <summary>What is trained and saved whole.</summary>
    public SavedModules Saved { get; }

    /// <summary>The update of an annotated projection, by the config where it says something, else by the attribute.</summary>
    public TUpdate Update<TUpdate>(Annotation annotation, Func<UpdateParts, TUpdate> construct)
        where TUpdate : LowRankUpdate
    {
        var path = annotation.Path;
        _annotated.Add(path);
        var (isTarget, isSaved) = (_targets.Contains(annotation), Saved.Contains(path));
        var tokens = _tokens.Copy(annotation, isTarget, isSaved);
        if (isSaved)
        {
            _biases.AddSaved(path);
            return construct(Saved.Copy(path, annotation.Projection));
        }

        var bias = _biases.Copy(annotation, isTarget);
        if (!isTarget)
        {
            return construct(new UpdateParts(path, null, null, default, 0, null, null) { Bias = bias, Tokens = tokens });
        }

        var options = UpdateOptions.Of(_source, Config, _files is not null, annotation, _ranks.Find(path) ?? Config.Rank, _alphas.Find(path) ?? Config.Alpha);

        // What a file does not hold takes no memory until its keys are compared, and is refused then.
        var isHeld = _files is null || _files.Holds(annotation, options.Scale.Times(options.Blocks).Rank, options.UseDora, options.LoraBias);
        var device = ProjectionWeight.Of(annotation.Projection).device;
        var (a, b) = Zeros(annotation, options, isHeld ? options.Scale.Rank : 0, device);
        var magnitude = options.UseDora ? Zeros(device, annotation.ShapeOfMagnitude) : null;
        var update = construct(new UpdateParts(path, a, b, options.Scale, options.Dropout, magnitude, options.Slices)
        {
            Bias = bias,
            BBias = options.LoraBias ? Zeros(device, annotation.OutSize) : null,
        });
        _updates.Add((update, annotation.Projection, options.Init));
        return update;
    }

    private (Parameter A, Parameter B) Zeros(Annotation annotation, UpdateOptions options, int rank, Device device)
    {
        try
        {
            var outputs = annotation.OutSize / (options.Slices?.Count ?? 1) * options.Blocks;
            return (Zeros(device, annotation.ShapeOfA((long)rank * options.Blocks)), Zeros(device, annotation.ShapeOfB(outputs, rank)));
        }
        catch (ExternalException e)
        {
            throw new LoraException($"{_source}: {annotation.Path}: rank: expected one whose A and B fit into memory, found {rank}: {Excerpt.Of(e.Message)}", e);
        }
    }

    // A user may make an adapter inside a dispose scope and keep it.
    private Parameter Zeros(Device device, params long[] shape)
    {
        var parameter = new Parameter(zeros(shape, dtype: ScalarType.Float32, device: device));
        parameter.DetachFromDisposeScope();
        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Draws the values of a new adapter, when nothing is left that could be refused. What a file gives is not drawn first.</summary>
    public void Initialise()
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var initializer = new Initializer(_generator, Config);
        foreach (var (update, projection, init) in _files is null ? _updates : [])
        {
            initializer.Initialise(update, projection, init);
            update.InitialiseMagnitude(projection);
        }
    }

    /// <summary>Frees what was made for an adapter that is refused.</summary>
    public void Dispose()
    {
        _parameters.ForEach(parameter => parameter.Dispose());
        _copies.Dispose();
    }

    /// <summary>
    /// Checks that every entry of the config found a projection, and that the adapter can be saved in PEFT's format. In a file's config an
    /// entry may find nothing, as long as another does: PEFT passes over it, and the keys of the tensors say what is adapted.
    /// </summary>
    /// <exception cref="LoraException">An entry matches nothing, nothing is adapted, or the dropouts differ or only some use DoRA or a bias of B.</exception>
    public void RequireComplete()
    {
        if (_annotated.Count == 0)
        {
            throw new LoraException("The model has no annotated projection: expected a [LoraTarget] in it or in one of its [LoraModel] children.");
        }

        Saved.RequireNothingElse();
        _biases.RequireComplete();
        _tokens.RequireComplete();
        var ownsAny = Saved.Any || _biases.Any || _tokens.Any;
        var targets = ownsAny && Config.TargetModules is [] ? [] : _targets.Unmatched;
        var unmatched = targets.Concat(_ranks.Unmatched).Concat(_alphas.Unmatched).Concat(Saved.Unmatched).Concat(_tokens.Unmatched).ToList();
        if (unmatched.Count > 0 && (_files is null || (_updates.Count == 0 && !ownsAny)))
        {
            throw new LoraException($"{_source}: [{Excerpt.Of(unmatched)}] matches no annotated projection; the annotated ones are [{string.Join(", ", _annotated)}].");
        }

        Initializer.RequireOptions(_source, Config, [.. _updates.Select(item => item.Init)]);
        if (_updates.Count == 0 && !ownsAny)
        {
            throw new LoraException($"{_source}: expected a projection to adapt, found none that is targeted, by name or by default, and neither excluded nor saved whole nor outside the layers to transform; the annotated ones are [{string.Join(", ", _annotated)}].");
        }

        if (_updates.Select(item => item.Update.Magnitude is null).Distinct().Count() > 1)
        {
            throw new LoraException("Some of the projections' attributes say UseDora and others do not, but PEFT's format has one use_dora for all: set LoraConfig.UseDora, or one value in the attributes.");
        }

        if (_updates.Select(item => item.Update.BBias is null).Distinct().Count() > 1)
        {
            throw new LoraException("Some of the projections' attributes say LoraBias and others do not, but PEFT's format has one lora_bias for all: set LoraConfig.LoraBias, or one value in the attributes.");
        }

        // That of an embedding has no effect, whatever it is.
        if (_updates.Where(item => item.Update is not EmbeddingUpdate).Select(item => item.Update.Dropout).Distinct().Count() > 1)
        {
            throw new LoraException("The projections' attributes give different dropouts, but PEFT's format has one lora_dropout for all: set LoraConfig.Dropout, or one value in the attributes.");
        }
    }

    /// <summary>
    /// Checks that each adapted projection has a weight of its own in the model, and that the base is itself, so that its fingerprint is the base's
    /// and not that of a merged model.
    /// </summary>
    /// <exception cref="LoraException">An adapted projection is at two places, or unknown to the model, or carries an adapter.</exception>
    public void RequireSound(IReadOnlyList<LoraSite> sites)
    {
        var paths = new Dictionary<Parameter, string>(ReferenceEqualityComparer.Instance);
        foreach (var site in sites)
        {
            // One object at two places has one of two adapters; two objects with one weight merge twice, and do not come apart again.
            var weight = ProjectionWeight.Of(site.Projection);
            if (site.Update.HasEffect && !paths.TryAdd(weight, site.Path))
            {
                throw new LoraException($"{site.Path}: expected a weight of its own, found that of {paths[weight]}, so that two adapters would change it. Keep the projection in one field and call it from there.");
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
