using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.Bert;

/// <summary>The shape of a BERT or RoBERTa model, as in the <c>config.json</c> of a Hugging Face checkpoint; both have the same keys.</summary>
public sealed record BertConfig
{
    // Google's first files describe a pooler that is always the same.
    private static readonly string[] WithoutEffect =
    [
        "directionality", "gradient_checkpointing", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type",
        "output_past", "tie_word_embeddings",
    ];

    /// <summary><c>bert</c> or <c>roberta</c>, which count positions differently.</summary>
    [JsonPropertyName("model_type")] public string ModelType { get; init; } = "bert";

    /// <summary>Number of tokens in the vocabulary.</summary>
    [JsonPropertyName("vocab_size")] public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    [JsonPropertyName("hidden_size")] public required int HiddenSize { get; init; }

    /// <summary>Width inside the feed-forward.</summary>
    [JsonPropertyName("intermediate_size")] public required int IntermediateSize { get; init; }

    /// <summary>Number of layers.</summary>
    [JsonPropertyName("num_hidden_layers")] public required int NumHiddenLayers { get; init; }

    /// <summary>Number of attention heads, a divisor of <see cref="HiddenSize"/>.</summary>
    [JsonPropertyName("num_attention_heads")] public required int NumAttentionHeads { get; init; }

    /// <summary>Number of rows in the table of positions; RoBERTa leaves those before <see cref="PadTokenId"/> + 1 unused.</summary>
    [JsonPropertyName("max_position_embeddings")] public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Number of token types: the segments of a pair of texts.</summary>
    [JsonPropertyName("type_vocab_size")] public required int TypeVocabSize { get; init; }

    /// <summary>Activation of the feed-forward.</summary>
    [JsonPropertyName("hidden_act")] public string HiddenAct { get; init; } = "gelu";

    /// <summary>Epsilon of the layer norms.</summary>
    [JsonPropertyName("layer_norm_eps")] public double LayerNormEps { get; init; } = 1e-12;

    /// <summary>Probability of dropping, in training, an element that joins the residual stream.</summary>
    [JsonPropertyName("hidden_dropout_prob")] public double HiddenDropoutProb { get; init; } = 0.1;

    /// <summary>Probability of dropping, in training, an attention weight.</summary>
    [JsonPropertyName("attention_probs_dropout_prob")] public double AttentionProbsDropoutProb { get; init; } = 0.1;

    /// <summary>Probability of dropping, in training, an input of the classifier; null is <see cref="HiddenDropoutProb"/>.</summary>
    [JsonPropertyName("classifier_dropout")] public double? ClassifierDropout { get; init; }

    /// <summary>Only <c>absolute</c> is implemented.</summary>
    [JsonPropertyName("position_embedding_type")] public string PositionEmbeddingType { get; init; } = "absolute";

    /// <summary>Id of padding; RoBERTa's positions begin after it. Null is 0 for BERT and 1 for RoBERTa.</summary>
    [JsonPropertyName("pad_token_id")] public int? PadTokenId { get; init; }

    /// <summary>Standard deviation of new weights.</summary>
    [JsonPropertyName("initializer_range")] public double InitializerRange { get; init; } = 0.02;

    /// <summary>Number of classes of a classifier: of <c>id2label</c>, else <c>num_labels</c>, else 2.</summary>
    [JsonIgnore] public int NumLabels { get; init; } = 2;

    /// <summary>The longest sequence that there are positions for.</summary>
    [JsonIgnore] public int MaxLength => MaxPositionEmbeddings - FirstPosition;

    /// <summary>The first token's row in the table of positions.</summary>
    internal int FirstPosition => IsRoberta ? (PadTokenId ?? 1) + 1 : 0;

    internal bool IsRoberta => ModelType == "roberta";

    internal double HeadDropout => ClassifierDropout ?? HiddenDropoutProb;

    /// <summary>Reads and checks a <c>config.json</c>.</summary>
    /// <exception cref="LoraException">The file is missing, is not JSON, lacks a key, or asks for something that is not implemented.</exception>
    public static BertConfig Read(string path) => Read(path, "bert", "roberta");

    internal static BertConfig Read(string path, params ReadOnlySpan<string> modelTypes)
    {
        var file = ConfigFile.Read(path);
        file.RequireModelType(modelTypes);
        file.RequireOff("is_decoder", "add_cross_attention", "pruned_heads");
        file.RefuseUnknown([.. ConfigKeys.Of<BertConfig>(), .. WithoutEffect]);
        file.DropNulls();
        var config = file.Deserialize<BertConfig>() with { NumLabels = Labels.Count(file) };
        config.Check(path);
        return config;
    }

    /// <summary>The config as a file's content.</summary>
    internal JsonObject ToJson() => JsonSerializer.SerializeToNode(this)!.AsObject();

    /// <exception cref="LoraException">The config is of the other of the two architectures.</exception>
    internal void RequireModelType(string modelType) => new ConfigCheck(nameof(BertConfig)).Require(ModelType == modelType, "model_type", modelType, ModelType);

    /// <exception cref="LoraException">A value is out of its range, or asks for something that is not implemented.</exception>
    internal void Check(string place)
    {
        var check = new ConfigCheck(place);
        check.Require(ModelType is "bert" or "roberta", "model_type", "bert or roberta", ModelType);
        check.Size("vocab_size", VocabSize);
        check.Size("hidden_size", HiddenSize);
        check.Size("intermediate_size", IntermediateSize);
        check.Size("num_hidden_layers", NumHiddenLayers);
        check.Size("num_attention_heads", NumAttentionHeads);
        check.Size("type_vocab_size", TypeVocabSize);
        check.Size("num_labels", NumLabels);
        check.Heads("hidden_size", HiddenSize, "num_attention_heads", NumAttentionHeads);
        check.Require(FirstPosition >= 0, "pad_token_id", "0 or more", PadTokenId);
        check.Require(MaxLength > 0, "max_position_embeddings", $"more than {FirstPosition}", MaxPositionEmbeddings);
        check.Require(PositionEmbeddingType == "absolute", "position_embedding_type", "absolute", PositionEmbeddingType);
        check.ActivationName("hidden_act", HiddenAct);
        check.Epsilon("layer_norm_eps", LayerNormEps);
        check.Dropout("hidden_dropout_prob", HiddenDropoutProb);
        check.Dropout("attention_probs_dropout_prob", AttentionProbsDropoutProb);
        check.Dropout("classifier_dropout", HeadDropout);
    }
}
