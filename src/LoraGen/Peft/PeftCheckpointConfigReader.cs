using System.Text.Json;

namespace LoraGen.Peft;

/// <summary>Reads an <c>adapter_config.json</c> of any version of PEFT; another method than LoRA is refused by its name.</summary>
internal static class PeftCheckpointConfigReader
{
    private const string TargetsExpected = "a list of names or a pattern";

    // What these say is of the machine or the run that wrote the file, of a start that is over, or belongs to an option that is off.
    private static readonly HashSet<string> WithoutMeaning =
    [
        "corda_config", "eva_config", "inference_mode", "loftq_config", "lora_ga_config", "megatron_core", "merge_weights", "qalora_group_size",
        "runtime_config",
    ];

    /// <exception cref="LoraException">The content is malformed, or is not LoRA.</exception>
    public static PeftCheckpointConfig Read(string path, byte[] content)
    {
        var options = PeftOptions.Parse(path, content);
        var type = options.Text("peft_type") ?? throw options.Bad("peft_type", "LORA", "nothing");
        if (type != "LORA")
        {
            throw options.Bad("peft_type", "LORA, the one method that LoraGen reads", type);
        }

        var targets = options.Take("target_modules");
        if (targets is { ValueKind: not (JsonValueKind.Array or JsonValueKind.String) } other)
        {
            throw options.Bad("target_modules", TargetsExpected, other.GetRawText());
        }

        var config = new PeftCheckpointConfig
        {
            BaseModelNameOrPath = options.Text("base_model_name_or_path"),
            TaskType = options.Text("task_type"),
            PeftVersion = options.Text("peft_version"),
            Rank = options.Whole("r") ?? 8,
            Alpha = options.Number("lora_alpha") ?? 8,
            Dropout = options.Number("lora_dropout") ?? 0,
            UseRslora = options.Flag("use_rslora"),
            UseDora = options.Flag("use_dora"),
            FanInFanOut = options.Flag("fan_in_fan_out"),
            Bias = options.Text("bias") ?? "none",
            InitLoraWeights = options.Take("init_lora_weights")?.GetRawText() ?? "true",
            TargetModules = targets is { ValueKind: JsonValueKind.Array } list ? options.AsTexts("target_modules", list) : null,
            TargetModulesPattern = targets is { ValueKind: JsonValueKind.String } pattern ? pattern.GetString() : null,
            ModulesToSave = options.Texts("modules_to_save"),
            RankPattern = options.Map("rank_pattern", options.AsWhole),
            AlphaPattern = options.Map("alpha_pattern", options.AsNumber),
            EnableLora = options.Flags("enable_lora"),
        };
        if (options.Take("target_parameters") is { } parameters && !PeftOptions.IsOff(parameters))
        {
            throw options.Bad("target_parameters", "none, since LoraGen does not read updates of parameters outside layers", parameters.GetRawText());
        }

        if (config.Bias is not ("none" or "all" or "lora_only"))
        {
            throw options.Bad("bias", "none, all or lora_only", config.Bias);
        }

        return config with { Others = options.Rest.Where(option => !WithoutMeaning.Contains(option.Key)).ToDictionary(option => option.Key, option => option.Value.GetRawText(), StringComparer.Ordinal) };
    }
}
