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

    /// <summary>Checks that it owns no projection whole.</summary>
    /// <exception cref="LoraException">It does.</exception>
    internal void RequireNothingSaved(string operation)
    {
        if (SavedProjections.Count > 0)
        {
            throw new LoraException($"{operation}: expected adapters of low-rank updates alone, found one that owns [{string.Join(", ", SavedProjections.Select(update => update.Path))}] whole (modules_to_save), of which there is no sum and no share.");
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
    /// LoRA+: all parameters in groups whose learning rates differ, for <c>torch.optim.AdamW(groups, learningRate)</c> (arXiv 2402.12354;
    /// PEFT: <c>create_loraplus_optimizer</c>). A learns at <paramref name="learningRate"/>, B and DoRA's magnitudes
    /// <paramref name="ratio"/> times as fast, embeddings at a rate of their own. The other options are the optimizer's.
    /// </summary>
    /// <param name="learningRate">That of A, above 0.</param>
    /// <param name="ratio">How many times faster B learns, at least 1; the paper finds about 16 best (PEFT: <c>loraplus_lr_ratio</c>).</param>
    /// <param name="embeddingLearningRate">That of an embedding's A and B, above 0 (PEFT: <c>loraplus_lr_embedding</c>).</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public IReadOnlyList<AdamW.ParamGroup> ParameterGroups(double learningRate, double ratio, double embeddingLearningRate = 1e-6)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(learningRate);
        ArgumentOutOfRangeException.ThrowIfLessThan(ratio, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(embeddingLearningRate);
        var updates = Updates.ToLookup(update => update is EmbeddingUpdate);
        return
        [
            .. Group(learningRate, updates[false].Select(update => update.A)),
            .. Group(learningRate * ratio, updates[false].Select(update => update.B).Concat(updates[false].Select(update => update.Magnitude).OfType<Parameter>())),
            .. Group(embeddingLearningRate, updates[true].SelectMany(update => update.parameters())),
        ];

        // Those that there are: an optimizer refuses an empty group.
        static IEnumerable<AdamW.ParamGroup> Group(double rate, IEnumerable<Parameter> parameters)
            => parameters.ToList() is { Count: > 0 } list ? [new AdamW.ParamGroup(list, new AdamW.Options { LearningRate = rate })] : [];
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
        PeftAdapterWriter.Write(folder, Updates, SavedProjections, _builder);
    }
}
