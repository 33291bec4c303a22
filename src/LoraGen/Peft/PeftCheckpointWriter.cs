using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoraGen.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>Writes an adapter that was read, whatever it was read from, as PEFT's two files.</summary>
internal static class PeftCheckpointWriter
{
    public static void Write(PeftCheckpoint checkpoint, string folder, string keyPrefix)
    {
        ArgumentNullException.ThrowIfNull(keyPrefix);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var sliced = checkpoint.Updates.Where(update => PeftFactors.IsSliced(update, checkpoint.Config.EnableLora)).ToDictionary(update => update.B.Key, StringComparer.Ordinal);
        var adapted = checkpoint.Updates.Select(update => update.Path).ToHashSet(StringComparer.Ordinal);
        var tensors = checkpoint.Tensors
            .Where(tensor => tensor.Kind != PeftTensorKind.Original)
            .Select(tensor => KeyValuePair.Create(
                KeyOf(keyPrefix, tensor, adapted),
                sliced.TryGetValue(tensor.Key, out var update) ? PeftFactors.Placed(update, checkpoint.File, checkpoint.Config.EnableLora).B : checkpoint.Read(tensor)));
        var metadata = checkpoint.File.Metadata.Where(item => item.Key is not ("format" or PeftKeys.ConfigDigestMetadata));
        PeftAdapterWriter.Write(folder, Config(checkpoint, keyPrefix), tensors, metadata);
    }

    private static string KeyOf(string keyPrefix, PeftTensor tensor, HashSet<string> adapted)
    {
        // PEFT before 0.6 had the bias of an adapted layer where the base has it, and loralib has; today's looks for it below base_layer.
        var name = tensor is { Kind: PeftTensorKind.Saved, Name: "bias" } && adapted.Contains(tensor.Path) ? "base_layer.bias" : tensor.Name;
        return keyPrefix + (tensor.Path.Length == 0 ? name : $"{tensor.Path}.{name}");
    }

    private static JsonObject Config(PeftCheckpoint checkpoint, string keyPrefix)
    {
        var config = checkpoint.Config;
        var options = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = config.BaseModelNameOrPath,
            ["bias"] = config.Bias,
            ["fan_in_fan_out"] = config.FanInFanOut,
            ["inference_mode"] = true,
            ["init_lora_weights"] = JsonNode.Parse(config.InitLoraWeights),
            ["layers_pattern"] = null,
            ["layers_to_transform"] = null,
            ["lora_dropout"] = config.Dropout,
            ["modules_to_save"] = List(config.ModulesToSave),
            ["peft_type"] = "LORA",
            ["revision"] = null,
            ["target_modules"] = config.TargetModulesPattern is { } pattern ? pattern : List(config.TargetModules),
            ["task_type"] = config.TaskType,
        };

        // An older PEFT fails on a key that it does not know, and a newer option would be lost without its key.
        foreach (var (option, value) in config.Others)
        {
            options[option] = JsonNode.Parse(value);
        }

        foreach (var (option, isOn) in new[] { ("use_rslora", config.UseRslora), ("use_dora", config.UseDora) })
        {
            if (isOn)
            {
                options[option] = true;
            }
        }

        foreach (var (option, value) in checkpoint.IsLoralib || config.EnableLora is not null ? Regular(checkpoint, keyPrefix) : Scales(config))
        {
            options[option] = value;
        }

        return new JsonObject(options);
    }

    private static IEnumerable<(string Option, JsonNode? Value)> Scales(PeftCheckpointConfig config) =>
    [
        ("r", config.Rank),
        ("lora_alpha", config.Alpha),
        ("rank_pattern", Map(config.RankPattern, rank => rank)),
        ("alpha_pattern", Map(config.AlphaPattern, alpha => alpha)),
    ];

    // Of what was loralib's, and of slices that become one update: by each layer's own path, since the base's other layers are not known.
    private static IEnumerable<(string Option, JsonNode? Value)> Regular(PeftCheckpoint checkpoint, string keyPrefix)
    {
        var below = keyPrefix.StartsWith(PeftKeyParser.Prefix, StringComparison.Ordinal) ? keyPrefix[PeftKeyParser.Prefix.Length..] : "";
        var layers = checkpoint.Updates.Select(update => (
            Path: below + update.Path,
            Rank: update.Rank * update.Blocks,
            Alpha: update.Alpha * (checkpoint.Config.UseRslora ? Math.Sqrt(update.Blocks) : update.Blocks))).ToList();
        var rank = MostCommon(layers.Select(layer => layer.Rank), 8);
        var alpha = MostCommon(layers.Select(layer => layer.Alpha), checkpoint.Config.Alpha);
        yield return ("r", rank);
        yield return ("lora_alpha", alpha);
        yield return ("rank_pattern", Map(layers.Where(layer => layer.Rank != rank).ToDictionary(layer => Exactly(layer.Path), layer => layer.Rank), value => value));
        yield return ("alpha_pattern", Map(layers.Where(layer => layer.Alpha != alpha).ToDictionary(layer => Exactly(layer.Path), layer => layer.Alpha), value => value));
        if (checkpoint.IsLoralib)
        {
            yield return ("target_modules", List([.. layers.Select(layer => layer.Path)]));
        }
    }

    private static string Exactly(string path) => $"^{Regex.Escape(path)}";

    private static T MostCommon<T>(IEnumerable<T> values, T otherwise)
        where T : struct
        => values.GroupBy(value => value).OrderByDescending(group => group.Count()).Select(group => group.Key).FirstOrDefault(otherwise);

    private static JsonArray? List(IReadOnlyList<string>? names) => names is null ? null : new JsonArray([.. names.Distinct().Select(name => JsonValue.Create(name))]);

    // The kind of number is known to the caller: a generic JsonValue would need reflection, which a trimmed program does not have.
    private static JsonObject Map<T>(IReadOnlyDictionary<string, T> values, Func<T, JsonNode> node)
        => new(values.Select(item => KeyValuePair.Create(item.Key, (JsonNode?)node(item.Value))));
}
