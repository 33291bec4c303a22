namespace LoraGen.Peft;

/// <summary>What an <c>adapter_config.json</c> says, whatever architecture it is for; the names are PEFT's options.</summary>
public sealed record PeftCheckpointConfig
{
    /// <summary>The name or path of the base (PEFT: <c>base_model_name_or_path</c>).</summary>
    public string? BaseModelNameOrPath { get; init; }

    /// <summary>What the base is used for (PEFT: <c>task_type</c>).</summary>
    public string? TaskType { get; init; }

    /// <summary>The version of PEFT that wrote the file (PEFT: <c>peft_version</c>, since 0.18).</summary>
    public string? PeftVersion { get; init; }

    /// <summary>The rank of every layer that <see cref="RankPattern"/> does not name (PEFT: <c>r</c>).</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The scale's numerator of every layer that <see cref="AlphaPattern"/> does not name (PEFT: <c>lora_alpha</c>).</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>The dropout that the adapter was trained with (PEFT: <c>lora_dropout</c>).</summary>
    public double Dropout { get; init; }

    /// <summary>Scale by alpha / sqrt(r) (PEFT: <c>use_rslora</c>).</summary>
    public bool UseRslora { get; init; }

    /// <summary>Weights are decomposed into direction and magnitude (PEFT: <c>use_dora</c>).</summary>
    public bool UseDora { get; init; }

    /// <summary>The base's weights are stored [in, out] (PEFT: <c>fan_in_fan_out</c>).</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>Which biases were trained: none, all or lora_only (PEFT: <c>bias</c>).</summary>
    public string Bias { get; init; } = "none";

    /// <summary>How A and B were initialised, as JSON (PEFT: <c>init_lora_weights</c>).</summary>
    public string InitLoraWeights { get; init; } = "true";

    /// <summary>The names of the adapted layers; null where there are none or a pattern (PEFT: <c>target_modules</c> as a list).</summary>
    public IReadOnlyList<string>? TargetModules { get; init; }

    /// <summary>A regular expression for the adapted layers' paths, or null (PEFT: <c>target_modules</c> as a string).</summary>
    public string? TargetModulesPattern { get; init; }

    /// <summary>The names of modules that were trained whole (PEFT: <c>modules_to_save</c>).</summary>
    public IReadOnlyList<string>? ModulesToSave { get; init; }

    /// <summary>Rank by path or end of a path (PEFT: <c>rank_pattern</c>).</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Alpha by path or end of a path (PEFT: <c>alpha_pattern</c>).</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>Which slices of a fused layer are adapted (loralib's MergedLinear; PEFT before 0.4: <c>enable_lora</c>).</summary>
    public IReadOnlyList<bool>? EnableLora { get; init; }

    /// <summary>The other options that are set (neither null, false nor empty), with their values as JSON.</summary>
    public IReadOnlyDictionary<string, string> Others { get; init; } = new Dictionary<string, string>();
}
