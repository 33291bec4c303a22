using System.Text;
using System.Text.Json;
using LoraGen.Files;

namespace LoraGen.Peft;

/// <summary>The options of an <c>adapter_config.json</c>, each taken once and by its type.</summary>
internal sealed class PeftOptions
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _path;
    private readonly SortedDictionary<string, JsonElement> _options = new(StringComparer.Ordinal);

    private PeftOptions(string path, JsonElement root)
    {
        _path = path;
        foreach (var option in root.EnumerateObject())
        {
            JsonStrings.Decode(option.Value);
            _options.Add(option.Name, option.Value.Clone());
        }
    }

    /// <summary>What has not been taken, and is not null, false or empty.</summary>
    public IEnumerable<KeyValuePair<string, JsonElement>> Rest => _options.Where(option => !IsOff(option.Value));

    /// <exception cref="LoraException">The content is not one JSON object in UTF-8, or names an option twice.</exception>
    public static PeftOptions Parse(string path, byte[] content)
    {
        try
        {
            using var text = new StreamReader(new MemoryStream(content), StrictUtf8);
            using var json = JsonDocument.Parse(text.ReadToEnd(), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? new PeftOptions(path, json.RootElement)
                : throw new LoraException($"{path}: expected a JSON object of options, found {Excerpt.Of(json.RootElement.GetRawText())}.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw new LoraException($"{path}: expected a JSON object of options in UTF-8, found an error: {Excerpt.Of(e.Message.TrimEnd('.'))}.", e);
        }
    }

    /// <summary>Null, false, or an empty list or object.</summary>
    public static bool IsOff(JsonElement value) => value.ValueKind is JsonValueKind.Null or JsonValueKind.False
        || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0)
        || (value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any());

    public JsonElement? Take(string key) => _options.Remove(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string key) => Take(key) is { } value ? AsText(key, value) : null;

    public bool Flag(string key) => Take(key) is { } value && AsFlag(key, value);

    public double? Number(string key) => Take(key) is { } value ? AsNumber(key, value) : null;

    public int? Whole(string key) => Take(key) is { } value ? AsWhole(key, value) : null;

    public IReadOnlyList<string>? Texts(string key) => Take(key) is { } value ? AsTexts(key, value) : null;

    public IReadOnlyList<bool>? Flags(string key) => Take(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(item => AsFlag(key, item))]
        : throw Bad(key, "a list of true and false", value.GetRawText());

    public Dictionary<string, T> Map<T>(string key, Func<string, JsonElement, T> convert) => Take(key) is not { } value
        ? []
        : value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject().ToDictionary(item => item.Name, item => convert(key, item.Value), StringComparer.Ordinal)
            : throw Bad(key, "an object", value.GetRawText());

    public IReadOnlyList<string> AsTexts(string key, JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select(item => AsText(key, item))]
        : throw Bad(key, "a list of names", value.GetRawText());

    public int AsWhole(string key, JsonElement value)
        => AsNumber(key, value) is >= 1 and <= int.MaxValue and var number && number == Math.Floor(number)
            ? (int)number
            : throw Bad(key, "a whole number of at least 1", value.GetRawText());

    public double AsNumber(string key, JsonElement value)
        => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Bad(key, "a finite number", value.GetRawText());

    public LoraException Bad(string key, string expected, string found) => new($"{_path}: {Excerpt.Of(key)}: expected {expected}, found {Excerpt.Of(found)}.");

    public string AsText(string key, JsonElement value)
        => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad(key, "a string", value.GetRawText());

    private bool AsFlag(string key, JsonElement value)
        => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Bad(key, "true or false", value.GetRawText());
}
