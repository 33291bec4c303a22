using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LoraGen.Files;
using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.Llama;

/// <summary>
/// The shape of a model of the Llama family (Llama, Mistral, Qwen2, Qwen3), as in the <c>config.json</c> of a Hugging Face checkpoint.
/// </summary>
public sealed record LlamaConfig
{
    private readonly int? _headDim;
    private readonly IReadOnlyList<string>? _architectures;

    /// <summary><c>llama</c>, <c>mistral</c>, <c>qwen2</c> (with biases on queries, keys and values) or <c>qwen3</c> (with norms on queries and keys).</summary>
    [JsonPropertyName("model_type")] public string ModelType { get; init; } = "llama";

    /// <summary>The class that Hugging Face's loader looks for; by default that of <see cref="ModelType"/>.</summary>
    [JsonPropertyName("architectures")]
    public IReadOnlyList<string> Architectures
    {
        get => _architectures ?? [LlamaFamily.Of(ModelType)?.Architecture ?? ModelType];
        init => _architectures = value;
    }

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

    /// <summary>Width of one head; by default <see cref="HiddenSize"/> / <see cref="NumAttentionHeads"/>.</summary>
    [JsonPropertyName("head_dim")]
    public int HeadDim
    {
        get => _headDim ?? HiddenSize / NumAttentionHeads;
        init => _headDim = value;
    }

    /// <summary>The longest sequence that the model was made for, before <see cref="RopeScaling"/> of the kinds that go beyond it.</summary>
    [JsonPropertyName("max_position_embeddings")] public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Epsilon of the RMS norms.</summary>
    [JsonPropertyName("rms_norm_eps")] public double RmsNormEps { get; init; } = 1e-6;

    /// <summary>Base of the rotary frequencies.</summary>
    [JsonPropertyName("rope_theta")] public double RopeTheta { get; init; } = 10000;

    /// <summary>How the rotary frequencies are stretched, or null.</summary>
    [JsonPropertyName("rope_scaling")] public RopeParameters? RopeScaling { get; init; }

    /// <summary>llama, qwen3: whether all four projections of attention have biases. Those of qwen2 have them except for the output.</summary>
    [JsonPropertyName("attention_bias")] public bool AttentionBias { get; init; }

    /// <summary>llama: whether the projections of the feed-forward have biases.</summary>
    [JsonPropertyName("mlp_bias")] public bool MlpBias { get; init; }

    /// <summary>Tokens that a windowed layer looks back on, with the token itself; null for all. For qwen2 and qwen3 see <see cref="UseSlidingWindow"/> too.</summary>
    [JsonPropertyName("sliding_window")] public int? SlidingWindow { get; init; }

    /// <summary>qwen2, qwen3: whether any layer has a window.</summary>
    [JsonPropertyName("use_sliding_window")] public bool UseSlidingWindow { get; init; }

    /// <summary>qwen2, qwen3: the first layer that has a window, where <see cref="LayerTypes"/> does not say.</summary>
    [JsonPropertyName("max_window_layers")] public int MaxWindowLayers { get; init; } = 28;

    /// <summary>qwen2, qwen3: <c>full_attention</c> or <c>sliding_attention</c> for each layer.</summary>
    [JsonPropertyName("layer_types")] public IReadOnlyList<string>? LayerTypes { get; init; }

    /// <summary>Whether the output head is the embedding matrix itself.</summary>
    [JsonPropertyName("tie_word_embeddings")] public bool TieWordEmbeddings { get; init; }

    /// <summary>Id that begins a sequence.</summary>
    [JsonPropertyName("bos_token_id")] public int? BosTokenId { get; init; }

    /// <summary>Ids that end a sequence.</summary>
    [JsonPropertyName("eos_token_id"), JsonConverter(typeof(TokenIdsConverter))] public IReadOnlyList<int>? EosTokenIds { get; init; }

    /// <summary>Activation of the feed-forward; only <c>silu</c> is implemented.</summary>
    [JsonPropertyName("hidden_act")] public string HiddenAct { get; init; } = "silu";

    /// <summary>Element type of the weights in the checkpoint.</summary>
    [JsonPropertyName("torch_dtype")] public string TorchDtype { get; init; } = "bfloat16";

    /// <summary>Whether queries, keys and values have biases.</summary>
    internal bool QueryKeyValueBias => AttentionBias || ModelType == "qwen2";

    /// <summary>Whether each head's queries and keys are normed.</summary>
    internal bool QueryKeyNorm => ModelType == "qwen3";

    /// <summary>The window of the layers that have one, or null where none has.</summary>
    internal int? Window => Enumerable.Range(0, NumHiddenLayers).Any(IsWindowed) ? SlidingWindow : null;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Reads and checks a <c>config.json</c>.</summary>
    /// <exception cref="LoraException">The file is missing, is not JSON, lacks a key, or asks for something that is not implemented.</exception>
    public static LlamaConfig Read(string path)
    {
        var config = LlamaConfigReader.Read(path);
        config.Check(path);
        return config;
    }

    /// <summary>Writes the config as Hugging Face does, atomically.</summary>
    /// <exception cref="LoraException">The file cannot be written.</exception>
    public void Write(string path) => AtomicFile.Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(ToJson().ToJsonString(Json))));

    /// <summary>Whether a layer looks back on <see cref="SlidingWindow"/> tokens only.</summary>
    internal bool IsWindowed(int layer) => SlidingWindow is not null && ModelType switch
    {
        "mistral" => true,
        "qwen2" or "qwen3" => UseSlidingWindow && (LayerTypes is null ? layer >= MaxWindowLayers : LayerTypes[layer] == "sliding_attention"),
        _ => false,
    };

    /// <summary>What <see cref="Write"/> writes.</summary>
    internal JsonObject ToJson()
    {
        var json = JsonSerializer.SerializeToNode(this, Json)!.AsObject();
        json["sliding_window"] = SlidingWindow; // Null says something else than absence.
        foreach (var option in LlamaFamily.Of(ModelType)!.OptionsOfOthers)
        {
            json.Remove(option);
        }

        return json;
    }

    /// <exception cref="LoraException">A value is out of its range, or asks for something that is not implemented.</exception>
    internal void Check(string place)
    {
        var family = LlamaFamily.Of(ModelType);
        Require(family is not null, "model_type", LlamaFamily.ModelTypes, ModelType);
        Require(Architectures.Contains(family!.Architecture), "architectures", family.Architecture, string.Join(", ", Architectures));
        foreach (var (key, size) in new[]
        {
            ("vocab_size", VocabSize), ("hidden_size", HiddenSize), ("intermediate_size", IntermediateSize), ("num_hidden_layers", NumHiddenLayers),
            ("num_attention_heads", NumAttentionHeads), ("num_key_value_heads", NumKeyValueHeads), ("max_position_embeddings", MaxPositionEmbeddings),
            ("sliding_window", SlidingWindow ?? 1),
        })
        {
            Require(size > 0, key, "a positive number", $"{size}");
        }

        Require(NumHiddenLayers <= 10_000, "num_hidden_layers", "at most 10000", $"{NumHiddenLayers}");
        Require(HiddenAct == "silu", "hidden_act", "silu", HiddenAct);
        Require(double.IsFinite(RmsNormEps) && RmsNormEps > 0, "rms_norm_eps", "a positive number", $"{RmsNormEps}");
        Require(double.IsFinite(RopeTheta) && RopeTheta > 1, "rope_theta", "a number above 1", $"{RopeTheta}");
        Require(_headDim is not null || HiddenSize % NumAttentionHeads == 0, "hidden_size", $"a multiple of num_attention_heads ({NumAttentionHeads})", $"{HiddenSize}");
        Require(HeadDim > 0 && HeadDim % 2 == 0, _headDim is null ? "hidden_size / num_attention_heads" : "head_dim", "an even head width", $"{HeadDim}");
        Require(NumAttentionHeads % NumKeyValueHeads == 0, "num_key_value_heads", $"a divisor of {NumAttentionHeads}", $"{NumKeyValueHeads}");
        foreach (var (key, isAsked) in new[]
        {
            ("attention_bias", AttentionBias), ("mlp_bias", MlpBias), ("sliding_window", SlidingWindow is not null), ("use_sliding_window", UseSlidingWindow),
            ("layer_types", LayerTypes is not null),
        })
        {
            Require(!isAsked || !family.OptionsOfOthers.Contains(key), key, $"no such option for model_type {ModelType}", "one");
        }

        if (LayerTypes is not null)
        {
            Require(LayerTypes.Count == NumHiddenLayers, "layer_types", $"{NumHiddenLayers} of them", $"{LayerTypes.Count}");
            Require(LayerTypes.All(type => type is "full_attention" or "sliding_attention"), "layer_types", "full_attention or sliding_attention", string.Join(", ", LayerTypes));
            Require(
                !LayerTypes.Contains("sliding_attention") || (UseSlidingWindow && SlidingWindow is not null),
                "layer_types", "full_attention alone, as use_sliding_window is false or sliding_window null", "sliding_attention");
        }

        RopeScaling?.Check($"{place}: rope_scaling", HeadDim, MaxPositionEmbeddings);

        void Require(bool holds, string key, string expected, string? found)
        {
            if (!holds)
            {
                throw ConfigFile.Refusal(place, key, expected, found);
            }
        }
    }
}
