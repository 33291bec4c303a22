using LoraGen.Files;
using static LoraGen.Peft.PeftTensorKind;

namespace LoraGen.Peft;

/// <summary>
/// Reads a tensor's key as PEFT 0.2 to today, and loralib, have written it: <c>base_model.model.</c>, the module's path, and what the
/// tensor is, between which old files and raw state dicts keep the adapter's name.
/// </summary>
internal sealed class PeftKeyParser(string place, string prefix, IReadOnlySet<string> adapterNames, bool isLoralib)
{
    public const string Prefix = "base_model.model.";

    // What DistributedDataParallel puts before every key; loralib's examples save so.
    private const string Wrapper = "module.";

    private const string DefaultAdapter = "default";

    private static readonly HashSet<string> LowRank = new(StringComparer.Ordinal) { "lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "lora_magnitude_vector" };

    /// <summary>A parser for the keys of one file, whose adapter's name it finds in them.</summary>
    public static PeftKeyParser For(string place, IEnumerable<string> keys, bool isLoralib)
    {
        var isWrapped = isLoralib && keys.All(key => key.StartsWith(Wrapper, StringComparison.Ordinal));
        var names = new HashSet<string>(StringComparer.Ordinal) { DefaultAdapter };
        foreach (var key in keys)
        {
            names.Add(key.Split('.') switch
            {
                [.., "lora_A" or "lora_B", var name, "weight"] => name,
                [.., "lora_embedding_A" or "lora_embedding_B", var name] => name,
                _ => DefaultAdapter,
            });
        }

        return new PeftKeyParser(place, isWrapped ? Wrapper : Prefix, names, isLoralib);
    }

    /// <exception cref="LoraException">It is a low-rank tensor of a kind that is not known.</exception>
    public (string Path, string Name, PeftTensorKind Kind) Parse(string key)
    {
        var segments = (key.StartsWith(prefix, StringComparison.Ordinal) ? key[prefix.Length..] : key).Split('.');
        var lowRank = Array.FindLastIndex(segments, LowRank.Contains);
        if (lowRank >= 0)
        {
            var (name, kind) = LowRankName(key, segments[lowRank..]);
            return (Join(segments[..lowRank]), name, kind);
        }

        if (Array.Exists(segments, segment => segment.StartsWith("lora_", StringComparison.Ordinal)))
        {
            throw Unknown(key);
        }

        return segments switch
        {
            [.. var path, "token_adapter", "trainable_tokens_delta"] => (Join(path), "token_adapter.trainable_tokens_delta", TrainableTokens),
            [.. var path, "token_adapter", "trainable_tokens_delta", var name] when adapterNames.Contains(name) => (Join(path), "token_adapter.trainable_tokens_delta", TrainableTokens),
            [.. var path, "token_adapter", "base_layer", "weight"] => (Join(path), "token_adapter.base_layer.weight", BaseLayer),
            [.. var path, "base_layer", "weight" or "bias"] => (Join(path), $"base_layer.{segments[^1]}", BaseLayer),
            _ => Whole(segments),
        };
    }

    private (string Name, PeftTensorKind Kind) LowRankName(string key, string[] tail) => tail switch
    {
        ["lora_A", "weight"] => ("lora_A.weight", A),
        ["lora_A", _, "weight"] => ("lora_A.weight", A),
        ["lora_A"] when isLoralib => ("lora_A.weight", A),
        ["lora_B", "weight"] => ("lora_B.weight", B),
        ["lora_B", _, "weight"] => ("lora_B.weight", B),
        ["lora_B"] when isLoralib => ("lora_B.weight", B),
        ["lora_B", "bias"] => ("lora_B.bias", BBias),
        ["lora_B", _, "bias"] => ("lora_B.bias", BBias),
        ["lora_embedding_A"] or ["lora_embedding_A", _] => ("lora_embedding_A", EmbeddingA),
        ["lora_embedding_B"] or ["lora_embedding_B", _] => ("lora_embedding_B", EmbeddingB),
        ["lora_magnitude_vector"] or ["lora_magnitude_vector", _] or ["lora_magnitude_vector", _, "weight"] => ("lora_magnitude_vector", Magnitude),
        _ => throw Unknown(key),
    };

    // classifier.modules_to_save.default.weight, score.original_module.weight, and the one inside the other. Adapters' names stand only there.
    private (string Path, string Name, PeftTensorKind Kind) Whole(string[] segments)
    {
        var kept = new List<string>(segments.Length);
        var kind = Saved;
        for (var i = 0; i < segments.Length; i++)
        {
            switch (segments[i])
            {
                case "original_module" when i < segments.Length - 1:
                    kind = Original;
                    break;
                case "modules_to_save" when i < segments.Length - 1:
                    i += i + 2 < segments.Length && adapterNames.Contains(segments[i + 1]) ? 1 : 0;
                    break;
                default:
                    kept.Add(segments[i]);
                    break;
            }
        }

        return (Join([.. kept[..^1]]), kept[^1], kind);
    }

    private static string Join(string[] segments) => string.Join('.', segments);

    private LoraException Unknown(string key)
        => new($"{place}: {Excerpt.Of(key)}: expected one of LoRA's tensors ({string.Join(", ", LowRank)}, each as PEFT writes it), found one that LoraGen does not know.");
}
