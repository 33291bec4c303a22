using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>
/// A <c>config.json</c>, key by key. What a model computes follows from it alone, so a key that nobody here knows is refused by its name:
/// to pass over it could be to load another model than was saved.
/// </summary>
internal sealed class ConfigFile
{
    public const string Name = "config.json";

    // What Hugging Face writes into every config, and what only tells how a model was trained, is stored or generates by default.
    private static readonly HashSet<string> WithoutEffect = new(StringComparer.Ordinal)
    {
        "_name_or_path", "_num_labels", "_commit_hash", "_attn_implementation", "_attn_implementation_autoset", "_flash_attn_2_enabled", "add_cross_attention", "architectures",
        "bad_words_ids", "begin_suppress_tokens", "bos_token_id", "chunk_size_feed_forward", "cross_attention_hidden_size", "decoder_start_token_id",
        "diversity_penalty", "do_sample", "dtype", "early_stopping", "encoder_no_repeat_ngram_size", "eos_token_id", "exponential_decay_length_penalty",
        "finetuning_task", "forced_bos_token_id", "forced_eos_token_id", "id2label", "initializer_range", "is_decoder", "is_encoder_decoder", "is_llama_config", "label2id",
        "length_penalty", "max_length", "min_length", "model_type", "no_repeat_ngram_size", "num_beam_groups", "num_beams", "num_labels", "num_return_sequences",
        "output_attentions", "output_hidden_states", "output_scores", "pad_token_id", "prefix", "pretraining_tp", "problem_type", "pruned_heads",
        "remove_invalid_values", "repetition_penalty", "return_dict", "return_dict_in_generate", "sep_token_id", "suppress_tokens", "task_specific_params",
        "temperature", "tf_legacy_loss", "tie_encoder_decoder", "tokenizer_class", "top_k", "top_p", "torch_dtype", "torchscript", "transformers.js_config", "transformers_version",
        "typical_p", "unsloth_fixed", "unsloth_version", "use_bfloat16", "use_cache",
    };

    private ConfigFile(string path, JsonObject json) => (Path, Json) = (path, json);

    /// <summary>The file that was read.</summary>
    public string Path { get; }

    /// <summary>What is in it.</summary>
    public JsonObject Json { get; }

    /// <summary>Reads the file.</summary>
    /// <exception cref="LoraException">It is missing, or is no JSON object.</exception>
    public static ConfigFile Read(string path)
    {
        var root = JsonFile.Read(path);
        return root.ValueKind == JsonValueKind.Object
            ? new(path, JsonObject.Create(root)!)
            : throw new LoraException($"{path}: expected a JSON object, found {Excerpt(root.GetRawText())}.");
    }

    /// <summary>A string of the file; null where there is none.</summary>
    /// <exception cref="LoraException">It is something else than a string.</exception>
    public string? Text(string key) => Json[key] switch
    {
        null => null,
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        var other => throw Refusal(key, "a string", other.ToJsonString()),
    };

    /// <summary>The class of Hugging Face's that the file is written for.</summary>
    /// <exception cref="LoraException">There is none, or several.</exception>
    public string Architecture() => Json["architectures"] is JsonArray { Count: 1 } array && array[0] is JsonValue value && value.TryGetValue<string>(out var name)
        ? name
        : throw Refusal("architectures", "the name of one class", Json["architectures"]?.ToJsonString());

    /// <summary>Refuses every key that is neither implemented nor without effect; one that is null asks for nothing.</summary>
    /// <exception cref="LoraException">There are such keys; all of them are listed.</exception>
    public void RefuseUnknown(IEnumerable<string> implemented)
    {
        var unknown = Json.Where(item => item.Value is not null && !WithoutEffect.Contains(item.Key)).Select(item => item.Key).Except(implemented).ToList();
        if (unknown.Count > 0)
        {
            throw new LoraException(
                $"{Path}: {string.Join(", ", unknown)}: expected keys that are implemented for model_type {Text("model_type")}, found these. " +
                "Remove from the file what has no effect on the model's results; with what has an effect, the model cannot be loaded.");
        }
    }

    /// <summary>The checked content as a record of the keys that it declares.</summary>
    /// <exception cref="LoraException">A required key is missing, or a value is of another type.</exception>
    public TConfig Deserialize<TConfig>()
    {
        try
        {
            return Json.Deserialize<TConfig>()!;
        }
        catch (JsonException e)
        {
            throw new LoraException($"{Path}: cannot be read as a config.json of model_type {Text("model_type")}: {e.Message}", e);
        }
    }

    /// <summary>Removes keys that are null, which in a config means the same as their absence.</summary>
    public void DropNulls()
    {
        foreach (var key in Json.Where(item => item.Value is null).Select(item => item.Key).ToList())
        {
            Json.Remove(key);
        }
    }

    /// <summary>The refusal of a value.</summary>
    public LoraException Refusal(string key, string expected, string? found) => Refusal(Path, key, expected, found);

    /// <summary>The refusal of a value.</summary>
    public static LoraException Refusal(string place, string key, string expected, string? found)
        => new($"{place}: {key}: expected {expected}, found {Excerpt(found ?? "null")}.");

    private static string Excerpt(string text) => text.Length > 200 ? $"{text[..200]}... ({text.Length} characters)" : text;
}
