using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LoraGen.Peft;

/// <summary>
/// Writes <c>adapter_config.json</c> with only those keys that PEFT has known for long, since an older PEFT fails on a key that it does
/// not know.
/// </summary>
internal static class PeftConfigWriter
{
    public static JsonObject Write(IReadOnlyList<LowRankUpdate> updates, IReadOnlyList<LowRankUpdate> owners, AdapterBuilder builder)
    {
        var rank = MostCommon(updates.Select(update => update.WholeScale.Rank), 8);
        var alpha = MostCommon(updates.Select(update => update.WholeScale.Alpha), 8);
        var config = new JsonObject
        {
            ["alpha_pattern"] = Pattern(updates, update => update.WholeScale.Alpha, alpha),
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = builder.Config.BaseModelNameOrPath,
            ["bias"] = Bias(owners, builder.Config),
            ["fan_in_fan_out"] = HasConv1D(updates),
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["layers_pattern"] = null,
            ["layers_to_transform"] = null,
            ["lora_alpha"] = alpha,
            ["lora_dropout"] = SharedDropout.Of(updates),
            ["modules_to_save"] = builder.ModulesToSave is { } saved ? new JsonArray([.. saved.Select(name => JsonValue.Create(name))]) : null,
            ["peft_type"] = "LORA",
            ["r"] = rank,
            ["rank_pattern"] = Pattern(updates, update => update.WholeScale.Rank, rank),
            ["revision"] = null,
            ["target_modules"] = updates.Count == 0 ? PeftKeys.NoTargets : Targets(updates, builder.TargetablePaths),
            ["task_type"] = builder.Config.TaskType,
        };
        if (builder.Config.UseRslora)
        {
            config["use_rslora"] = true;
        }

        if (updates.FirstOrDefault()?.Magnitude is not null)
        {
            config["use_dora"] = true;
        }

        if (updates.FirstOrDefault()?.BBias is not null)
        {
            config["lora_bias"] = true;
        }

        if (owners.Where(update => update.TokenRows is not null).ToList() is [_, ..] embeddings)
        {
            config["trainable_token_indices"] = new JsonObject(embeddings.Select(
                update => KeyValuePair.Create(update.Path, (JsonNode?)new JsonArray([.. update.TokenIds.Select(id => JsonValue.Create(id))]))));
        }

        return config;
    }

    // Of a file from which PEFT had dropped them, none are left.
    private static string Bias(IReadOnlyList<LowRankUpdate> owners, LoraConfig config)
        => !owners.Any(update => update.OwnsBias && !update.IsSaved) ? "none" : config.Bias == TrainedBiases.All ? "all" : "lora_only";

    // It says how the base's weight is stored. PEFT has one flag for all layers, and sets it right at each Linear and each Conv1D that
    // says otherwise, with a warning; at an embedding it does not ask. So either value loads, and true is right for GPT-2's own layers.
    private static bool HasConv1D(IReadOnlyList<LowRankUpdate> updates) => updates.Any(update => update is Conv1DUpdate);

    // What exclude_modules and layers_to_transform did to the selection is in this list; they are not written beside it, where they could
    // only take from it again.
    // A last name such as q_proj stands for all its projections, unless the base has one of that name which is not adapted: PEFT would
    // adapt that one too. Then whole paths do; and where one of them is the end of another path, a pattern, which has to match as a whole.
    private static JsonNode Targets(IReadOnlyList<LowRankUpdate> updates, IReadOnlyCollection<string> modulePaths)
    {
        var adapted = updates.Select(update => update.Path).ToHashSet();
        var names = updates.GroupBy(update => LastName(update.Path))
            .SelectMany(group => modulePaths.Where(path => LastName(path) == group.Key).All(adapted.Contains)
                ? [group.Key]
                : group.Select(update => update.Path))
            .Order(StringComparer.Ordinal)
            .ToList();
        var selection = new ModuleNames(PeftKeys.ConfigFile, "target_modules", names, pattern: null);
        return modulePaths.Where(selection.Contains).All(adapted.Contains)
            ? new JsonArray([.. names.Select(name => JsonValue.Create(name))])
            : JsonValue.Create(string.Join('|', adapted.Order(StringComparer.Ordinal).Select(Regex.Escape)));
    }

    // Only what differs from the common value; by last name where all projections of that name agree, else path by path. To PEFT a key is a
    // regular expression, and a component may be named w+.
    private static JsonObject Pattern<T>(IReadOnlyList<LowRankUpdate> updates, Func<LowRankUpdate, T> value, T common)
        where T : struct
    {
        var result = new JsonObject();
        foreach (var group in updates.GroupBy(update => LastName(update.Path)))
        {
            var agreed = group.Select(value).Distinct().Count() == 1;
            foreach (var update in agreed ? group.Take(1) : group)
            {
                if (!value(update).Equals(common))
                {
                    result[agreed ? Regex.Escape(group.Key) : $"^{Regex.Escape(update.Path)}"] = JsonValue.Create(value(update));
                }
            }
        }

        return result;
    }

    private static T MostCommon<T>(IEnumerable<T> values, T otherwise)
        where T : struct
        => values.GroupBy(value => value).OrderByDescending(group => group.Count()).Select(group => group.Key).FirstOrDefault(otherwise);

    private static string LastName(string path) => path[(path.LastIndexOf('.') + 1)..];
}
