using System.Text;
using System.Text.Json;
using LoraGen.Files;

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

    // What these say does not change how saved weights are applied.
    private static readonly HashSet<string> WithoutEffect =
    [
        "auto_mapping", "inference_mode", "megatron_core", "peft_version", "qalora_group_size",
        "revision", "runtime_config",
    ];

    // The others, such as pissa and olora, take their start out of the base's weights: what they saved belongs to that other base.
    private static readonly HashSet<string> InitsThatKeepTheBase = ["gaussian", "orthogonal", "eva", "mica"];

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _path;
    private readonly Dictionary<string, JsonElement> _options;

    private PeftConfigReader(string path, Dictionary<string, JsonElement> options) => (_path, _options) = (path, options);

    /// <exception cref="LoraException">The content is malformed, or is not a LoRA that is implemented here.</exception>
    public static LoraConfig Read(string path, byte[] content)
    {
        try
        {
            using var text = new StreamReader(new MemoryStream(content), StrictUtf8);
            using var json = JsonDocument.Parse(text.ReadToEnd(), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? new PeftConfigReader(path, json.RootElement.EnumerateObject().ToDictionary(option => option.Name, option => option.Value)).Read()
                : throw new LoraException($"{path}: expected a JSON object of options, found {Excerpt.Of(json.RootElement.GetRawText())}.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw new LoraException($"{path}: expected a JSON object of options in UTF-8, found an error: {Excerpt.Of(e.Message.TrimEnd('.'))}.", e);
        }
    }

    private LoraConfig Read()
    {
        var type = Text("peft_type") ?? throw Bad("peft_type", "LORA", "nothing");
        if (type != "LORA")
        {
            throw Bad("peft_type", "LORA", type);
        }

        if (Modules("target_modules") is not { } targets)
        {
            throw Bad("target_modules", ModulesExpected, "nothing");
        }

        var excluded = Modules("exclude_modules");
        var layers = OneOrMore("layers_to_transform", layer => (int)AsNumber("layers_to_transform", layer, whole: true));
        var layersPattern = OneOrMore("layers_pattern", name => AsText("layers_pattern", name));
        var config = new LoraConfig
        {
            Rank = (int?)Number("r", whole: true) ?? DefaultRank,
            Alpha = Number("lora_alpha") ?? DefaultAlpha,
            Dropout = Number("lora_dropout") ?? 0,
            UseRslora = Flag("use_rslora"),
            UseDora = Flag("use_dora"),
            TargetModules = targets.Names,
            TargetModulesPattern = targets.Pattern,
            ExcludeModules = excluded?.Names is { Count: > 0 } names ? names : null,
            ExcludeModulesPattern = excluded?.Pattern is { Length: > 0 } pattern ? pattern : null,
            LayersToTransform = layers,
            LayersPattern = layers is null ? null : layersPattern,
            ModulesToSave = Names("modules_to_save"),
            RankPattern = Map("rank_pattern", value => (int)AsNumber("rank_pattern", value, whole: true)),
            AlphaPattern = Map("alpha_pattern", value => AsNumber("alpha_pattern", value, whole: false)),
            BaseModelNameOrPath = Text("base_model_name_or_path"),
            TaskType = Text("task_type"),
        };
        // How the base's weight is stored: the field's type knows it, and PEFT corrects a wrong one too.
        _ = Flag("fan_in_fan_out");

        if (Text("bias") is { } bias and not "none")
        {
            throw Bad("bias", "none", bias);
        }

        if (Take("init_lora_weights") is { } init && !KeepsTheBase(init))
        {
            throw Bad("init_lora_weights", $"true, false or one of {string.Join(", ", InitsThatKeepTheBase)}, which leave the base as it is", init.GetRawText());
        }

        RefuseTheRest();
        return config;

        static bool KeepsTheBase(JsonElement init) => init.ValueKind is JsonValueKind.True or JsonValueKind.False
            || (init.ValueKind == JsonValueKind.String && InitsThatKeepTheBase.Contains(init.GetString()!));
    }

    // Whatever is left must be switched off: PEFT writes every option that it knows, most of them null, false or empty.
    private void RefuseTheRest()
    {
        foreach (var (key, value) in _options.Where(option => !WithoutEffect.Contains(option.Key)))
        {
            var off = value.ValueKind is JsonValueKind.Null or JsonValueKind.False
                || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0)
                || (value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any());
            if (!off)
            {
                throw Bad(key, "an option that is off, since LoraGen does not implement it", value.GetRawText());
            }
        }
    }

    private JsonElement? Take(string key) => _options.Remove(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private string? Text(string key) => Take(key) is { } value ? AsText(key, value) : null;

    private double? Number(string key, bool whole = false) => Take(key) is { } value ? AsNumber(key, value, whole) : null;

    private bool Flag(string key) => Take(key) is { } value
        && (value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Bad(key, "true or false", value.GetRawText()));

    private Dictionary<string, T> Map<T>(string key, Func<JsonElement, T> convert) => Take(key) is not { } value
        ? []
        : value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject().ToDictionary(item => item.Name, item => convert(item.Value))
            : throw Bad(key, "an object", value.GetRawText());

    private IReadOnlyList<string>? Names(string key) => Modules(key) switch
    {
        null => null,
        { Names: { } names } => names,
        { Pattern: var text } => throw Bad(key, "a list of names", $"\"{text}\""),
    };

    // A list of names, or a string for a pattern.
    private (IReadOnlyList<string>? Names, string? Pattern)? Modules(string key) => Take(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } list => ([.. list.EnumerateArray().Select(name => AsText(key, name)).Distinct()], null),
        { ValueKind: JsonValueKind.String } pattern => (null, pattern.GetString()),
        { } other => throw Bad(key, ModulesExpected, other.GetRawText()),
    };

    // PEFT takes one value for a list of one, and an empty list or name for none at all.
    private IReadOnlyList<T>? OneOrMore<T>(string key, Func<JsonElement, T> convert) => Take(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } list => list.GetArrayLength() == 0 ? null : [.. list.EnumerateArray().Select(convert)],
        { ValueKind: JsonValueKind.String } text when text.ValueEquals("") => null,
        { } one => [convert(one)],
    };

    private string AsText(string key, JsonElement value)
        => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad(key, "a string", value.GetRawText());

    private double AsNumber(string key, JsonElement value, bool whole)
        => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && (!whole || (number == Math.Floor(number) && Math.Abs(number) <= int.MaxValue))
            ? number
            : throw Bad(key, whole ? "a whole number" : "a number", value.GetRawText());

    private LoraException Bad(string key, string expected, string found) => new($"{_path}: {Excerpt.Of(key)}: expected {expected}, found {Excerpt.Of(found)}.");
}
