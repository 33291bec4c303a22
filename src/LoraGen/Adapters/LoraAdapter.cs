using LoraGen.Peft;
using TorchSharp;
using TorchSharp.Modules;

namespace LoraGen;

/// <summary>
/// The base class of every generated adapter: an ordinary module that owns A and B, copies of what is
/// saved whole, and nothing of the base. Its <c>state_dict</c> has
/// PEFT's keys without their prefix: <c>model.layers.0.self_attn.q_proj.lora_A.weight</c>.
/// </summary>
public abstract class LoraAdapter : torch.nn.Module
{
    private readonly AdapterBuilder _builder;
    private IReadOnlyList<LowRankUpdate>? _updates;
    private IReadOnlyList<LowRankUpdate>? _savedProjections;
    private IReadOnlyList<LowRankUpdate>? _owners;

    /// <summary>Used by generated code.</summary>
    protected LoraAdapter(string name, AdapterBuilder builder)
        : base(name)
    {
        _builder = builder;
    }

    /// <summary>Does nothing: generated constructors register each component by its name, those of a derived class after its base's.</summary>
    protected sealed override void RegisterComponents()
    {
    }

    /// <summary>What the attributes were overridden with.</summary>
    public LoraConfig Config => _builder.Config;

    /// <summary>
    /// A digest of the base that the adapter was made for (see <see cref="LoraGen.BaseFingerprint"/>); null in a part of an adapter. Where
    /// it was loaded from files that record none, as PEFT's do, it is that of the base it was loaded for.
    /// </summary>
    public string? BaseFingerprint => _builder.BaseFingerprint;

    /// <summary>The updates that the config targets, in the order of the model's source.</summary>
    public IReadOnlyList<LowRankUpdate> Updates => _updates ??= [.. modules().OfType<LowRankUpdate>().Where(update => update.IsTargeted)];

    /// <summary>The projections that the adapter owns whole instead of an update (<see cref="LoraConfig.ModulesToSave"/>), in the order of the model's source.</summary>
    public IReadOnlyList<LowRankUpdate> SavedProjections => _savedProjections ??= [.. modules().OfType<LowRankUpdate>().Where(update => update.IsSaved)];

    /// <summary>The projections that the adapter has anything of: A and B, or what stands in for the base's.</summary>
    internal IReadOnlyList<LowRankUpdate> Owners => _owners ??= [.. modules().OfType<LowRankUpdate>().Where(update => update.HasEffect)];

    /// <summary>What PEFT calls the modules that it owns whole, or null where there are none.</summary>
    internal IReadOnlyList<string>? ModulesToSave => _builder.ModulesToSave;

    /// <summary>Checks that it owns neither single biases nor rows of an embedding.</summary>
    /// <exception cref="LoraException">It does.</exception>
    internal void RequireNoBiasesOrRows(string operation)
    {
        RequireNone(Owners.Where(update => update.OwnsBias && !update.IsSaved), "biases", "bias");
        RequireNone(Owners.Where(update => update.TokenRows is not null), "rows", "trainable_token_indices");

        void RequireNone(IEnumerable<LowRankUpdate> found, string what, string option)
        {
            if (found.Select(update => update.Path).ToList() is [_, ..] paths)
            {
                throw new LoraException($"{operation}: expected adapters of low-rank updates, found one that owns {what} of [{string.Join(", ", paths)}] ({option}), of which there is no sum.");
            }
        }
    }

    /// <summary>Checks that it is not the adapter of a <see cref="MixedBatch{TAdapter}"/>.</summary>
    /// <exception cref="LoraException">It is.</exception>
    internal void RequireOwn(string operation)
    {
        if (modules().OfType<LowRankUpdate>().Any(update => update.Mixed is not null))
        {
            throw new LoraException($"{operation}: expected an adapter with an A and a B of its own, found that of a mixed batch, which has none. Take one of the adapters of its rows.");
        }
    }

    /// <summary>
    /// Makes the adapter one that only serves: in evaluation mode, without gradients. Calls then keep copies of A and B as their
    /// products take them, as <see cref="LowRankUpdate"/> says. To train on, call <c>train()</c> and set <c>requires_grad</c>.
    /// </summary>
    public void Freeze()
    {
        zero_grad();
        eval();
        foreach (var parameter in parameters())
        {
            parameter.requires_grad = false;
        }
    }

    /// <summary>
    /// <see cref="LearningRates"/> as groups of <c>torch.optim.AdamW(groups, learningRate)</c>. The other options are the optimizer's.
    /// </summary>
    /// <param name="learningRate">That of A, above 0.</param>
    /// <param name="ratio">How many times faster B learns, at least 1.</param>
    /// <param name="embeddingLearningRate">That of an embedding's A and B, above 0.</param>
    /// <param name="reference">The rank and alpha that the rates were found for; null takes the same rates for every rank.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public IReadOnlyList<AdamW.ParamGroup> ParameterGroups(double learningRate, double ratio, double embeddingLearningRate = 1e-6, LoraScale? reference = null)
        => [.. LearningRates(learningRate, ratio, embeddingLearningRate, reference).Select(group => new AdamW.ParamGroup(group.Parameters, new AdamW.Options { LearningRate = group.LearningRate }))];

    /// <summary>
    /// All parameters, those of one learning rate together, for the groups of any optimizer. LoRA+ (arXiv 2402.12354; PEFT:
    /// <c>create_loraplus_optimizer</c>): A learns at <paramref name="learningRate"/>, B, biases and DoRA's magnitudes <paramref name="ratio"/>
    /// times as fast, an embedding's A and B at a rate of their own; weights that are saved whole and rows of an embedding learn as A.
    /// </summary>
    /// <remarks>
    /// With a <paramref name="reference"/>, the rates of A and B are those of a projection of that scale s0 and rank r0. Another's, of s and r,
    /// are <c>s0 sqrt(r0) / (s sqrt(r))</c> times that: rank stabilisation (arXiv 2312.03732), which wants steps that fall with sqrt(r), brought
    /// about by the rate instead of the scale. Where alpha is common and s = alpha / r, that is sqrt(r / r0); where s = alpha / sqrt(r), it is 1;
    /// where s is common, as EVA leaves it, sqrt(r0 / r).
    /// </remarks>
    /// <param name="learningRate">That of A, above 0.</param>
    /// <param name="ratio">How many times faster B learns, at least 1; the paper finds about 16 best (PEFT: <c>loraplus_lr_ratio</c>).</param>
    /// <param name="embeddingLearningRate">That of an embedding's A and B, above 0 (PEFT: <c>loraplus_lr_embedding</c>).</param>
    /// <param name="reference">The rank and alpha that the rates were found for; null takes the same rates for every rank.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public IReadOnlyList<LearningRateGroup> LearningRates(double learningRate, double ratio = 1, double embeddingLearningRate = 1e-6, LoraScale? reference = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(learningRate);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(learningRate, double.MaxValue);
        ArgumentOutOfRangeException.ThrowIfLessThan(ratio, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(embeddingLearningRate);
        if (reference is { } scale)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(scale.Rank, 1, nameof(reference));
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale.Alpha, nameof(reference));
        }

        return new LearningRates(learningRate, ratio, embeddingLearningRate, reference).Of(this);
    }

    /// <summary>
    /// Writes <c>adapter_config.json</c> and <c>adapter_model.safetensors</c> in PEFT's format into <paramref name="folder"/>, which is
    /// made if need be. Both are replaced as one: wherever the save is cut off, and whoever loads meanwhile, Load gives the old adapter or
    /// the new one. A symbolic link in the place of a file is replaced by a file. Values that are not finite are saved as they are, and
    /// refused by <see cref="ILoraModel{TAdapter}.Merge"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">
    /// The folder cannot be written, the disk is full, another save into the folder is running, a tensor has a dtype other than fp32, fp16
    /// and bf16, which Load would refuse, or this is only a part of an adapter or that of a mixed batch. The old adapter is then as it was, except where the
    /// message says that only the config could not be replaced.
    /// </exception>
    public void Save(string folder)
    {
        if (!_builder.IsRoot)
        {
            throw new LoraException($"Save: this is the part of an adapter at {_builder.Path}; save the whole adapter.");
        }

        RequireOwn(nameof(Save));
        PeftAdapterWriter.Write(folder, Updates, Owners, _builder);
    }
}
