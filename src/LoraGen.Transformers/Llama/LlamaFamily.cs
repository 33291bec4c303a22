using System.Text.Json.Nodes;

namespace LoraGen.Transformers.Llama;

/// <summary>What tells the architectures of the Llama family apart: their names, and which options of <see cref="LlamaConfig"/> they have.</summary>
/// <param name="ModelType">The config's <c>model_type</c>.</param>
/// <param name="Architecture">Hugging Face's class.</param>
/// <param name="Options">Keys that other members of the family have not.</param>
/// <param name="Defaults">What Hugging Face takes where the config has no such key, if <see cref="LlamaConfig"/>'s own default is another.</param>
internal sealed record LlamaFamily(string ModelType, string Architecture, string[] Options, IReadOnlyDictionary<string, JsonNode> Defaults)
{
    private static readonly string[] QwenWindow = ["sliding_window", "use_sliding_window", "max_window_layers", "layer_types"];

    private static readonly LlamaFamily[] All =
    [
        new("llama", "LlamaForCausalLM", ["attention_bias", "mlp_bias"], new Dictionary<string, JsonNode>()),
        new("mistral", "MistralForCausalLM", ["sliding_window"], new Dictionary<string, JsonNode> { ["sliding_window"] = 4096 }),
        new("qwen2", "Qwen2ForCausalLM", QwenWindow, new Dictionary<string, JsonNode> { ["sliding_window"] = 4096 }),
        new("qwen3", "Qwen3ForCausalLM", [.. QwenWindow, "attention_bias"], new Dictionary<string, JsonNode> { ["sliding_window"] = 4096, ["head_dim"] = 128 }),
    ];

    /// <summary>The names of all of them.</summary>
    public static string ModelTypes { get; } = string.Join(", ", All.Select(family => family.ModelType));

    /// <summary>Options that others of the family have and this one has not.</summary>
    public IEnumerable<string> OptionsOfOthers => All.SelectMany(family => family.Options).Except(Options);

    /// <summary>The one of a <c>model_type</c>, or null.</summary>
    public static LlamaFamily? Of(string? modelType) => Array.Find(All, family => family.ModelType == modelType);
}
