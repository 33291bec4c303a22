using System.Text.Json;
using System.Text.Json.Serialization;
using LoraGen.Files;

namespace LoraGen.Transformers.Llama;

/// <summary>The shape of a Llama-family model, as in the <c>config.json</c> of a Hugging Face checkpoint.</summary>
public sealed record LlamaConfig
{
    /// <summary>Number of tokens in the vocabulary.</summary>
    [JsonPropertyName("vocab_size")] public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    [JsonPropertyName("hidden_size")] public required int HiddenSize { get; init; }

    /// <summary>Width inside the SwiGLU feed-forward.</summary>
    [JsonPropertyName("intermediate_size")] public required int IntermediateSize { get; init; }

    /// <summary>Number of decoder layers.</summary>
    [JsonPropertyName("num_hidden_layers")] public required int NumHiddenLayers { get; init; }

    /// <summary>Number of query heads.</summary>
    [JsonPropertyName("num_attention_heads")] public required int NumAttentionHeads { get; init; }

    /// <summary>Number of key and value heads (grouped-query attention); a divisor of <see cref="NumAttentionHeads"/>.</summary>
    [JsonPropertyName("num_key_value_heads")] public required int NumKeyValueHeads { get; init; }

    /// <summary>The longest sequence that the rotary table covers.</summary>
    [JsonPropertyName("max_position_embeddings")] public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Epsilon of the RMS norms.</summary>
    [JsonPropertyName("rms_norm_eps")] public double RmsNormEps { get; init; } = 1e-6;

    /// <summary>Base of the rotary frequencies.</summary>
    [JsonPropertyName("rope_theta")] public double RopeTheta { get; init; } = 10000;

    /// <summary>Whether the output head is the embedding matrix itself.</summary>
    [JsonPropertyName("tie_word_embeddings")] public bool TieWordEmbeddings { get; init; }

    /// <summary>Id that begins a sequence.</summary>
    [JsonPropertyName("bos_token_id")] public int? BosTokenId { get; init; }

    /// <summary>Id that ends a sequence.</summary>
    [JsonPropertyName("eos_token_id")] public int? EosTokenId { get; init; }

    /// <summary>Always <c>llama</c>.</summary>
    [JsonPropertyName("model_type")] public string ModelType { get; init; } = "llama";

    /// <summary>The class that Hugging Face's loader looks for.</summary>
    [JsonPropertyName("architectures")] public IReadOnlyList<string> Architectures { get; init; } = ["LlamaForCausalLM"];

    /// <summary>Activation of the feed-forward; only <c>silu</c> is implemented.</summary>
    [JsonPropertyName("hidden_act")] public string HiddenAct { get; init; } = "silu";

    /// <summary>Element type of the weights in the checkpoint.</summary>
    [JsonPropertyName("torch_dtype")] public string TorchDtype { get; init; } = "bfloat16";

    /// <summary>Rotary scaling; only its absence is implemented.</summary>
    [JsonPropertyName("rope_scaling")] public JsonElement? RopeScaling { get; init; }

    /// <summary>Where Transformers 5 writes the rotary base and scaling; read into <see cref="RopeTheta"/>, never written.</summary>
    [JsonPropertyName("rope_parameters")] public LlamaRopeParameters? RopeParameters { get; init; }

    /// <summary>Width of one head.</summary>
    [JsonIgnore] public int HeadDim => HiddenSize / NumAttentionHeads;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Reads and checks a <c>config.json</c>.</summary>
    /// <exception cref="LoraException">The file is missing, is not JSON, lacks a key, or asks for something that is not implemented.</exception>
    public static LlamaConfig Read(string path)
    {
        LlamaConfig config;
        try
        {
            config = JsonSerializer.Deserialize<LlamaConfig>(File.ReadAllText(path), Json)
                ?? throw new LoraException($"{path}: expected a JSON object, found null.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new LoraException($"{path}: cannot be read as a Llama config.json: {e.Message}", e);
        }

        config.Check(path);
        return config with { RopeTheta = config.RopeParameters?.RopeTheta ?? config.RopeTheta, RopeParameters = null };
    }

    /// <summary>Writes the config as Hugging Face does, atomically.</summary>
    /// <exception cref="LoraException">The file cannot be written.</exception>
    public void Write(string path) => AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, Json));

    private void Check(string path)
    {
        Require(ModelType == "llama", "model_type", "llama", ModelType);
        foreach (var (key, size) in new[]
        {
            ("vocab_size", VocabSize), ("hidden_size", HiddenSize), ("intermediate_size", IntermediateSize), ("num_hidden_layers", NumHiddenLayers),
            ("num_attention_heads", NumAttentionHeads), ("num_key_value_heads", NumKeyValueHeads), ("max_position_embeddings", MaxPositionEmbeddings),
        })
        {
            Require(size > 0, key, "a positive number", $"{size}");
        }

        Require(HiddenAct == "silu", "hidden_act", "silu", HiddenAct);
        Require(RopeScaling is null or { ValueKind: JsonValueKind.Null }, "rope_scaling", "null", RopeScaling.ToString());
        Require(RopeParameters is null or { RopeType: "default" }, "rope_parameters.rope_type", "default", RopeParameters?.RopeType);
        Require(HiddenSize % NumAttentionHeads == 0, "hidden_size", $"a multiple of num_attention_heads ({NumAttentionHeads})", $"{HiddenSize}");
        Require(HeadDim % 2 == 0, "hidden_size / num_attention_heads", "an even head width", $"{HeadDim}");
        Require(NumAttentionHeads % NumKeyValueHeads == 0, "num_key_value_heads", $"a divisor of {NumAttentionHeads}", $"{NumKeyValueHeads}");

        void Require(bool holds, string key, string expected, string? found)
        {
            if (!holds)
            {
                throw new LoraException($"{path}: {key}: expected {expected}, found {found}.");
            }
        }
    }
}
