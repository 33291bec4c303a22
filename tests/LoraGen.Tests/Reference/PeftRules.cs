using System.Text.Json;
using System.Text.RegularExpressions;

namespace LoraGen.Tests.Reference;

/// <summary>
/// Which modules PEFT adapts, and with what rank and alpha, by its own rules (peft/tuners/tuners_utils.py, check_target_module_exists and
/// get_pattern_key), read from an adapter_config.json.
/// </summary>
internal sealed class PeftRules(JsonElement config)
{
    public static PeftRules Of(string folder)
        => new(JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json"))).RootElement);

    // A list: the name itself or what ends with a dot and an entry. A string: re.fullmatch.
    public bool Adapts(string path)
    {
        var targets = config.GetProperty("target_modules");
        return targets.ValueKind == JsonValueKind.String
            ? Regex.IsMatch(path, $@"\A(?:{targets.GetString()})\z")
            : targets.EnumerateArray().Select(entry => entry.GetString()!).Any(entry => path == entry || path.EndsWith("." + entry, StringComparison.Ordinal));
    }

    public int Rank(string path) => (int)Number("r", "rank_pattern", path);

    public double Alpha(string path) => Number("lora_alpha", "alpha_pattern", path);

    public double Scale(string path)
    {
        var rslora = config.TryGetProperty("use_rslora", out var value) && value.GetBoolean();
        return Alpha(path) / (rslora ? Math.Sqrt(Rank(path)) : Rank(path));
    }

    // 8 is the default of both.
    private double Number(string option, string pattern, string path)
        => Find(pattern, path)?.GetDouble() ?? (config.TryGetProperty(option, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetDouble() : 8);

    // The first key for which re.match(rf"(.*\.)?({key})$", path) finds something.
    private JsonElement? Find(string option, string path)
    {
        foreach (var entry in config.TryGetProperty(option, out var entries) && entries.ValueKind == JsonValueKind.Object ? entries.EnumerateObject() : default)
        {
            if (Regex.IsMatch(path, $@"\A(.*\.)?({entry.Name})$"))
                return entry.Value;
        }

        return null;
    }
}
