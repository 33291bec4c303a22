using System.Text.Json.Nodes;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.Llama;

/// <summary>
/// Brings the spellings of a <c>config.json</c> that are in use to the one of <see cref="LlamaConfig"/>, and fills in what Hugging Face
/// takes where a key is absent.
/// </summary>
internal static class LlamaConfigReader
{
    private static readonly string[] Implemented =
    [
        "attention_bias", "attention_dropout", "head_dim", "hidden_act", "hidden_size", "intermediate_size", "layer_types", "max_position_embeddings",
        "max_window_layers", "mlp_bias", "num_attention_heads", "num_hidden_layers", "num_key_value_heads", "rms_norm_eps", "rope_interleaved", "rope_parameters", "rope_scaling",
        "rope_theta", "sliding_window", "tie_word_embeddings", "use_mrope", "use_sliding_window", "vocab_size",
    ];

    private static readonly string[] RopeKeys =
    [
        "rope_type", "factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor", "attention_factor", "beta_fast", "beta_slow",
        "mscale", "mscale_all_dim", "truncate", "short_factor", "long_factor",
    ];

    public static LlamaConfig Read(string path)
    {
        var file = ConfigFile.Read(path);
        var modelType = file.Text("model_type");
        var family = LlamaFamily.Of(modelType) ?? throw file.Refusal("model_type", LlamaFamily.ModelTypes, modelType);
        file.RefuseUnknown(Implemented);
        RefuseUnlessOff(file, "attention_dropout", "0");
        RefuseUnlessOff(file, "rope_interleaved", "false");
        RefuseUnlessOff(file, "use_mrope", "false");

        var json = file.Json;
        foreach (var (key, value) in family.Defaults.Where(item => !json.ContainsKey(item.Key)))
        {
            json[key] = value.DeepClone();
        }

        if (family.ModelType == "llama" && json["num_key_value_heads"] is null)
        {
            json["num_key_value_heads"] = json["num_attention_heads"]?.DeepClone();
        }

        json["torch_dtype"] ??= json["dtype"]?.DeepClone();
        ReadRope(file);
        file.DropNulls();
        return file.Deserialize<LlamaConfig>();
    }

    private static void RefuseUnlessOff(ConfigFile file, string key, string off)
    {
        if (file.Json[key] is { } value && value.ToJsonString() is var found && found != off && found != $"{off}.0")
        {
            throw file.Refusal(key, $"{off}, as nothing else is implemented", found);
        }
    }

    // rope_scaling and rope_theta, or rope_parameters with both, as Transformers 5 writes it; the kind is rope_type or, in older files, type.
    private static void ReadRope(ConfigFile file)
    {
        var key = file.Json["rope_parameters"] is null ? "rope_scaling" : "rope_parameters";
        if (file.Json[key] is not { } node)
        {
            return;
        }

        var rope = node as JsonObject ?? throw file.Refusal(key, "an object", node.ToJsonString());
        if (key == "rope_parameters" && file.Json["rope_scaling"] is not null)
        {
            throw file.Refusal("rope_scaling", "none beside rope_parameters", "both");
        }

        if (rope["type"] is { } type)
        {
            if (rope["rope_type"] is { } ropeType && !JsonNode.DeepEquals(type, ropeType))
            {
                throw file.Refusal($"{key}.type", $"the same as rope_type, {ropeType.ToJsonString()}", type.ToJsonString());
            }

            rope["rope_type"] = type.DeepClone();
        }

        if (rope["rope_theta"] is { } theta)
        {
            file.Json["rope_theta"] = theta.DeepClone();
        }

        if (rope["partial_rotary_factor"] is { } part && part.ToJsonString() is not ("1" or "1.0"))
        {
            throw file.Refusal($"{key}.partial_rotary_factor", "1, as nothing else is implemented", part.ToJsonString());
        }

        if (rope.FirstOrDefault(item => item.Value is not null && !RopeKeys.Contains(item.Key) && item.Key is not ("type" or "rope_theta" or "partial_rotary_factor")) is { Key: { } unknown })
        {
            throw file.Refusal($"{key}.{unknown}", $"one of {string.Join(", ", RopeKeys)}", $"{unknown}");
        }

        var scaling = new JsonObject(rope.Where(item => item.Value is not null && RopeKeys.Contains(item.Key)).Select(item => KeyValuePair.Create(item.Key, item.Value?.DeepClone())));
        file.Json["rope_scaling"] = scaling.All(item => item.Key == "rope_type" && item.Value!.ToJsonString() == "\"default\"") ? null : scaling;
    }
}
