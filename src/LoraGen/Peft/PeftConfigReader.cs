using System.Text.Json;

namespace LoraGen.Peft;

/// <summary>
/// Reads <c>adapter_config.json</c>. An option that would change the arithmetic in a way that is not implemented is refused by name,
/// never passed over: the adapter would load and be wrong.
/// </summary>
internal sealed class PeftConfigReader
{
    // PEFT's defaults of the options that are read here (src/peft/tuners/lora/config.py).
    private const int DefaultRank = 8;
    private const double DefaultAlpha = 8;

    private const string ModulesExpected = "a list of names or a pattern";

    // What these say does not change how saved weights are applied. How a start was found is over; whether it changed the base, init_lora_weights says.
    private static readonly HashSet<string> WithoutEffect =
    [
        "auto_mapping", "corda_config", "eva_config", "inference_mode", "loftq_config", "lora_ga_config", "megatron_core", "peft_version", "qalora_group_size",
        "revision", "runtime_config",
    ];

    // The others, such as pissa and olora, take their start out of the base's weights: what they saved belongs to that other base.
    private static readonly HashSet<string> InitsThatKeepTheBase = ["gaussian", "orthogonal", "eva", "mica"];

    private readonly PeftOptions _options;

    private PeftConfigReader(PeftOptions options) => _options = options;

    /// <exception cref="LoraException">The content is malformed, or is not a LoRA that is implemented here.</exception>
    public static LoraConfig Read(string path, byte[] content) => new PeftConfigReader(PeftOptions.Parse(path, content)).Read();

    private LoraConfig Read()
    {
        var type = _options.Text("peft_type") ?? throw _options.Bad("peft_type", "LORA", "nothing");
        if (type != "LORA")
        {
            throw _options.Bad("peft_type", "LORA", type);
        }

        if (Modules("target_modules") is not { } targets)
        {
            throw _options.Bad("target_modules", ModulesExpected, "nothing");
        }

        var tokens = Tokens();
        var excluded = Modules("exclude_modules");
        var layers = OneOrMore("layers_to_transform", AsLayer);
        var layersPattern = OneOrMore("layers_pattern", name => _options.AsText("layers_pattern", name));
        var config = new LoraConfig
        {
            Rank = _options.Whole("r") ?? DefaultRank,
            Alpha = _options.Number("lora_alpha") ?? DefaultAlpha,
            Dropout = _options.Number("lora_dropout") ?? 0,
            UseRslora = _options.Flag("use_rslora"),
            UseDora = _options.Flag("use_dora"),
            LoraBias = _options.Flag("lora_bias"),
            Bias = Bias(),
            TrainableTokenIndices = tokens?.List,
            TrainableTokenIndicesByModule = tokens?.ByModule,
            TargetModules = targets.Pattern == PeftKeys.NoTargets ? [] : targets.Names,
            TargetModulesPattern = targets.Pattern == PeftKeys.NoTargets ? null : targets.Pattern,
            ExcludeModules = excluded?.Names is { Count: > 0 } names ? names : null,
            ExcludeModulesPattern = excluded?.Pattern is { Length: > 0 } pattern ? pattern : null,
            LayersToTransform = layers,
            LayersPattern = layers is null ? null : layersPattern,
            ModulesToSave = Names("modules_to_save"),
            RankPattern = _options.Map("rank_pattern", _options.AsWhole),
            AlphaPattern = _options.Map("alpha_pattern", _options.AsNumber),
            BaseModelNameOrPath = _options.Text("base_model_name_or_path"),
            TaskType = _options.Text("task_type"),
        };
        // How the base's weight is stored: the field's type knows it, and PEFT corrects a wrong one too.
        _ = _options.Flag("fan_in_fan_out");

        if (_options.Take("init_lora_weights") is { } init && !KeepsTheBase(init))
        {
            throw _options.Bad("init_lora_weights", $"true, false or one of {string.Join(", ", InitsThatKeepTheBase)}, which leave the base as it is", init.GetRawText());
        }

        RefuseTheRest();
        return config;

        static bool KeepsTheBase(JsonElement init) => init.ValueKind is JsonValueKind.True or JsonValueKind.False
            || (init.ValueKind == JsonValueKind.String && InitsThatKeepTheBase.Contains(init.GetString()!));
    }

    private TrainedBiases Bias() => _options.Text("bias") switch
    {
        null or "none" => TrainedBiases.None,
        "lora_only" => TrainedBiases.LoraOnly,
        "all" => TrainedBiases.All,
        { } other => throw _options.Bad("bias", "none, all or lora_only", other),
    };

    // A list for the input embedding, or lists by embedding.
    private (IReadOnlyList<int>? List, Dictionary<string, IReadOnlyList<int>>? ByModule)? Tokens()
    {
        const string key = "trainable_token_indices";
        return _options.Take(key) switch
        {
            null => null,
            { } off when PeftOptions.IsOff(off) => null,
            { ValueKind: JsonValueKind.Object } lists => (null, lists.EnumerateObject().ToDictionary(item => item.Name, item => Ids(item.Value), StringComparer.Ordinal)),
            { } list => (Ids(list), null),
        };

        IReadOnlyList<int> Ids(JsonElement value) => value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number) ? number : throw _options.Bad(key, "ids that are whole numbers", id.GetRawText()))]
            : throw _options.Bad(key, "a list of ids, or an object of lists", value.GetRawText());
    }

    // Whatever is left must be switched off: PEFT writes every option that it knows, most of them null, false or empty.
    private void RefuseTheRest()
    {
        foreach (var (key, value) in _options.Rest.Where(option => !WithoutEffect.Contains(option.Key)))
        {
            throw _options.Bad(key, "an option that is off, since LoraGen does not implement it", value.GetRawText());
        }
    }

    private IReadOnlyList<string>? Names(string key) => Modules(key) switch
    {
        null => null,
        { Names: { } names } => names,
        { Pattern: var text } => throw _options.Bad(key, "a list of names", $"\"{text}\""),
    };

    // A list of names, or a string for a pattern.
    private (IReadOnlyList<string>? Names, string? Pattern)? Modules(string key) => _options.Take(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } list => ([.. list.EnumerateArray().Select(name => _options.AsText(key, name)).Distinct()], null),
        { ValueKind: JsonValueKind.String } pattern => (null, pattern.GetString()),
        { } other => throw _options.Bad(key, ModulesExpected, other.GetRawText()),
    };

    // PEFT takes one value for a list of one, and an empty list or name for none at all.
    private IReadOnlyList<T>? OneOrMore<T>(string key, Func<JsonElement, T> convert) => _options.Take(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } list => list.GetArrayLength() == 0 ? null : [.. list.EnumerateArray().Select(convert)],
        { ValueKind: JsonValueKind.String } text when text.ValueEquals("") => null,
        { } one => [convert(one)],
    };

    private int AsLayer(JsonElement value)
        => _options.AsNumber("layers_to_transform", value) is var number && number == Math.Floor(number) && Math.Abs(number) <= int.MaxValue
            ? (int)number
            : throw _options.Bad("layers_to_transform", "a whole number", value.GetRawText());
}
