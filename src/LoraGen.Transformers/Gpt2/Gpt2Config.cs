using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.Gpt2;

/// <summary>The shape of a GPT-2 model, as in the <c>config.json</c> of a Hugging Face checkpoint.</summary>
public sealed record Gpt2Config
{
    // The head of GPT2DoubleHeadsModel, which is not implemented, and the length of a mask that is no longer kept.
    private static readonly string[] WithoutEffect =
        ["n_ctx", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "gradient_checkpointing", "output_past"];

    /// <summary>Number of tokens in the vocabulary.</summary>
    [JsonPropertyName("vocab_size")] public required int VocabSize { get; init; }

    /// <summary>The longest sequence that there are positions for.</summary>
    [JsonPropertyName("n_positions")] public required int NumPositions { get; init; }

    /// <summary>Width of the residual stream.</summary>
    [JsonPropertyName("n_embd")] public required int Width { get; init; }

    /// <summary>Number of decoder layers.</summary>
    [JsonPropertyName("n_layer")] public required int NumLayers { get; init; }

    /// <summary>Number of attention heads, a divisor of <see cref="Width"/>.</summary>
    [JsonPropertyName("n_head")] public required int NumHeads { get; init; }

    /// <summary>Width inside the feed-forward; null is four times <see cref="Width"/>.</summary>
    [JsonPropertyName("n_inner")] public int? Inner { get; init; }

    /// <summary>Activation of the feed-forward.</summary>
    [JsonPropertyName("activation_function")] public string ActivationFunction { get; init; } = "gelu_new";

    /// <summary>Epsilon of the layer norms.</summary>
    [JsonPropertyName("layer_norm_epsilon")] public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>Probability of dropping, in training, an element that joins the residual stream.</summary>
    [JsonPropertyName("resid_pdrop")] public double ResidPdrop { get; init; } = 0.1;

    /// <summary>Probability of dropping, in training, an element of the embeddings.</summary>
    [JsonPropertyName("embd_pdrop")] public double EmbdPdrop { get; init; } = 0.1;

    /// <summary>Probability of dropping, in training, an attention weight.</summary>
    [JsonPropertyName("attn_pdrop")] public double AttnPdrop { get; init; } = 0.1;

    /// <summary>Whether scores are divided by the square root of a head's width.</summary>
    [JsonPropertyName("scale_attn_weights")] public bool ScaleAttnWeights { get; init; } = true;

    /// <summary>Whether scores are divided by the layer's number too, counted from 1.</summary>
    [JsonPropertyName("scale_attn_by_inverse_layer_idx")] public bool ScaleAttnByInverseLayerIdx { get; init; }

    /// <summary>Whether attention is computed in fp32 in a model of bf16 or fp16.</summary>
    [JsonPropertyName("reorder_and_upcast_attn")] public bool ReorderAndUpcastAttn { get; init; }

    /// <summary>Whether the output head is the embedding matrix itself.</summary>
    [JsonPropertyName("tie_word_embeddings")] public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Standard deviation of new weights.</summary>
    [JsonPropertyName("initializer_range")] public double InitializerRange { get; init; } = 0.02;

    /// <summary>Id that begins a sequence.</summary>
    [JsonPropertyName("bos_token_id")] public int? BosTokenId { get; init; }

    /// <summary>Ids that end a sequence.</summary>
    [JsonPropertyName("eos_token_id"), JsonConverter(typeof(TokenIdsConverter))] public IReadOnlyList<int>? EosTokenIds { get; init; }

    /// <summary>Number of classes of a classifier: of <c>id2label</c>, else <c>num_labels</c>, else 2.</summary>
    [JsonIgnore] public int NumLabels { get; init; } = 2;

    /// <summary>Width inside the feed-forward.</summary>
    [JsonIgnore] public int InnerWidth => Inner ?? 4 * Width;

    /// <summary>Reads and checks a <c>config.json</c>.</summary>
    /// <exception cref="LoraException">The file is missing, is not JSON, lacks a key, or asks for something that is not implemented.</exception>
    public static Gpt2Config Read(string path)
    {
        var file = ConfigFile.Read(path);
        file.RequireModelType("gpt2");
        file.RequireOff("add_cross_attention", "pruned_heads");
        file.RefuseUnknown([.. ConfigKeys.Of<Gpt2Config>(), .. WithoutEffect]);
        file.DropNulls();
        var config = file.Deserialize<Gpt2Config>() with { NumLabels = Labels.Count(file) };
        config.Check(path);
        return config;
    }

    /// <summary>The config as a file's content.</summary>
    internal JsonObject ToJson()
    {
        var json = JsonSerializer.SerializeToNode(this)!.AsObject();
        json["model_type"] = "gpt2";
        return json;
    }

    /// <exception cref="LoraException">A value is out of its range, or asks for something that is not implemented.</exception>
    internal void Check(string place)
    {
        var check = new ConfigCheck(place);
        check.Size("vocab_size", VocabSize);
        check.Size("n_positions", NumPositions);
        check.Size("n_embd", Width);
        check.Size("n_layer", NumLayers);
        check.Size("n_head", NumHeads);
        check.Size("n_inner", InnerWidth);
        check.Size("num_labels", NumLabels);
        check.Heads("n_embd", Width, "n_head", NumHeads);
        check.ActivationName("activation_function", ActivationFunction);
        check.Epsilon("layer_norm_epsilon", LayerNormEpsilon);
        check.Dropout("resid_pdrop", ResidPdrop);
        check.Dropout("embd_pdrop", EmbdPdrop);
        check.Dropout("attn_pdrop", AttnPdrop);
    }
}
