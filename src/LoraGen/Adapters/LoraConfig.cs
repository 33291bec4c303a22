using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace LoraGen;

/// <summary>
/// Overrides the attributes of a model's projections at run time. A property that is left null keeps what the attribute says.
/// The names and the matching rules are those of PEFT's <c>LoraConfig</c>.
/// </summary>
public sealed record LoraConfig
{
    /// <summary>
    /// As <see cref="TargetModulesPattern"/>: all annotated <c>Linear</c> and <see cref="Conv1D"/> projections but the output head (PEFT:
    /// <c>target_modules="all-linear"</c>).
    /// </summary>
    public const string AllLinear = "all-linear";

    /// <summary>
    /// The rank of every targeted projection that <see cref="RankPattern"/> does not name (PEFT: <c>r</c>). Of a projection with
    /// <see cref="LoraTargetAttribute.Slices"/> it is each slice's; PEFT's files, and so a loaded config, have as many times that as slices are
    /// trained.
    /// </summary>
    public int? Rank { get; init; }

    /// <summary>The scale's numerator of every targeted projection that <see cref="AlphaPattern"/> does not name (PEFT: <c>lora_alpha</c>).</summary>
    public double? Alpha { get; init; }

    /// <summary>
    /// Dropout probability on A's input while the base's projection is in training mode (<c>model.train()</c>), whichever mode the adapter
    /// is in (PEFT: <c>lora_dropout</c>).
    /// </summary>
    public double? Dropout { get; init; }

    /// <summary>Scale by alpha / sqrt(r) instead of alpha / r (PEFT: <c>use_rslora</c>; arXiv 2312.03732).</summary>
    public bool UseRslora { get; init; }

    /// <summary>
    /// Decompose each adapted weight into magnitude and direction (DoRA; PEFT: <c>use_dora</c>; arXiv 2402.09353): see
    /// <see cref="LowRankUpdate.Magnitude"/>. One value for the whole adapter, as in PEFT's format.
    /// </summary>
    public bool? UseDora { get; init; }

    /// <summary>
    /// Give each B a bias (PEFT: <c>lora_bias</c>): see <see cref="LowRankUpdate.BBias"/>. One value for the whole adapter, as in PEFT's
    /// format; not with DoRA, embeddings or slices, and only with <see cref="LoraInit.Kaiming"/> or <see cref="LoraInit.Random"/>.
    /// </summary>
    public bool? LoraBias { get; init; }

    /// <summary>
    /// Which of the base's biases the adapter trains, in copies of its own that stand in for them (PEFT: <c>bias</c>): see
    /// <see cref="LowRankUpdate.Bias"/>.
    /// </summary>
    public TrainedBiases Bias { get; init; }

    /// <summary>
    /// The ids whose rows of the input embedding the adapter trains, in copies of its own (PEFT: <c>trainable_token_indices</c> as a list):
    /// see <see cref="LowRankUpdate.TokenRows"/>. The input embedding is the one that is annotated, or of several the one named
    /// <c>embed_tokens</c>, <c>wte</c> or <c>word_embeddings</c>.
    /// </summary>
    public IReadOnlyList<int>? TrainableTokenIndices { get; init => field = value is null ? null : [.. value]; }

    /// <summary>
    /// Instead of <see cref="TrainableTokenIndices"/>: the ids by embedding, whose path is the key or ends with a dot and the key (PEFT:
    /// <c>trainable_token_indices</c> as a dictionary).
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<int>>? TrainableTokenIndicesByModule
    {
        get;
        init => field = value?.ToDictionary(item => item.Key, item => (IReadOnlyList<int>)[.. item.Value]);
    }

    /// <summary>How A and B of a new adapter begin (PEFT: <c>init_lora_weights</c>).</summary>
    public LoraInit? Init { get; init; }

    /// <summary>
    /// With <see cref="LoraInit.Pissa"/>: how many power iterations of a randomised decomposition stand in for the exact one, at least 0; 4
    /// to 16 are usual (PEFT: n of <c>pissa_niter_n</c>).
    /// </summary>
    public int? PissaIterations { get; init; }

    /// <summary>With <see cref="LoraInit.Loftq"/>: to how many bits the weight is quantised, 2, 4 or 8; 4 unless given (PEFT: <c>loftq_bits</c>).</summary>
    public int? LoftqBits { get; init; }

    /// <summary>With <see cref="LoraInit.Loftq"/>: how many times it quantises and decomposes, at least 1; 1 unless given (PEFT: <c>loftq_iter</c>).</summary>
    public int? LoftqIterations { get; init; }

    /// <summary>
    /// The projections to adapt, out of the annotated ones: a name matches a projection whose path is that name or ends with a dot and
    /// that name (PEFT: <c>target_modules</c>). Null adapts all annotated ones whose attribute does not say <c>ByDefault = false</c>. What is
    /// saved is the outcome of this and of the options that narrow it, as a list of names or paths. An empty list adapts none, for an adapter
    /// that only owns modules, biases or rows.
    /// </summary>
    public IReadOnlyList<string>? TargetModules { get; init => field = value is null ? null : [.. value]; }

    /// <summary>Instead of <see cref="TargetModules"/>: a regular expression that must match a projection's whole path, or <see cref="AllLinear"/> (PEFT: <c>target_modules</c> as a string).</summary>
    public string? TargetModulesPattern { get; init; }

    /// <summary>Projections to leave out whatever targets them, named like <see cref="TargetModules"/> (PEFT: <c>exclude_modules</c>).</summary>
    public IReadOnlyList<string>? ExcludeModules { get; init => field = value is null ? null : [.. value]; }

    /// <summary>Instead of <see cref="ExcludeModules"/>: a regular expression that must match a projection's whole path (PEFT: <c>exclude_modules</c> as a string).</summary>
    public string? ExcludeModulesPattern { get; init; }

    /// <summary>
    /// The layers to adapt, counted from 0; null for all (PEFT: <c>layers_to_transform</c>). A projection's layer is the first number between
    /// dots in its path that has two names before it, such as 3 in <c>transformer.h.3.attn.c_attn</c>; what has none is left out, unless
    /// <see cref="TargetModules"/> gives its whole path. Not beside <see cref="TargetModulesPattern"/>.
    /// </summary>
    public IReadOnlyList<int>? LayersToTransform { get; init => field = value is null ? null : [.. value]; }

    /// <summary>
    /// The names, as regular expressions, of the lists that <see cref="LayersToTransform"/> counts in, where a path has other numbers too
    /// (PEFT: <c>layers_pattern</c>).
    /// </summary>
    public IReadOnlyList<string>? LayersPattern { get; init => field = value is null ? null : [.. value]; }

    /// <summary>
    /// Modules that the adapter trains whole instead of by an update, such as a new head (PEFT: <c>modules_to_save</c>): a name matches each
    /// module whose path is that name or ends with a dot and that name, and every annotated projection at or below it then has a weight and a
    /// bias of its own in the adapter (<see cref="LowRankUpdate.Weight"/>), whatever targets it. A matched module with other parameters is
    /// refused. Null saves what the model's attribute says (<see cref="LoraModelAttribute.ModulesToSave"/>); without that, <c>classifier</c> and
    /// <c>score</c>, where the base has them, of a new adapter with the <see cref="TaskType"/> <c>SEQ_CLS</c> or <c>TOKEN_CLS</c>, as PEFT does, and
    /// nothing otherwise. An empty list saves nothing.
    /// </summary>
    public IReadOnlyList<string>? ModulesToSave { get; init => field = value is null ? null : [.. value]; }

    /// <summary>
    /// Rank by path or end of a path, before <see cref="Rank"/>; a key is a regular expression, and the first that matches decides (PEFT:
    /// <c>rank_pattern</c>).
    /// </summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init => field = Copy(value); } = new Dictionary<string, int>();

    /// <summary>Alpha by path or end of a path, before <see cref="Alpha"/>, matched like <see cref="RankPattern"/> (PEFT: <c>alpha_pattern</c>).</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init => field = Copy(value); } = new Dictionary<string, double>();

    /// <summary>Name or path of the base, recorded in the saved config (PEFT: <c>base_model_name_or_path</c>).</summary>
    public string? BaseModelNameOrPath { get; init; }

    /// <summary>What the base is used for, recorded in the saved config, such as <c>CAUSAL_LM</c> (PEFT: <c>task_type</c>); see <see cref="ModulesToSave"/>.</summary>
    public string? TaskType { get; init; }

    /// <summary>Used by generated code: a config that says nothing of <see cref="ModulesToSave"/> says what the model's attribute does.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static LoraConfig SavingByDefault(LoraConfig? config, params string[] modules)
        => config is { ModulesToSave: not null } ? config : (config ?? new LoraConfig()) with { ModulesToSave = modules };

    // What the caller does with his own later does not change an adapter's config.
    private static Dictionary<string, T> Copy<T>(IReadOnlyDictionary<string, T> value, [CallerMemberName] string? property = null)
    {
        ArgumentNullException.ThrowIfNull(value, property);
        return new(value);
    }
}
