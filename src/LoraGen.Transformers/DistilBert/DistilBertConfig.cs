using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.DistilBert;

/// <summary>The shape of a DistilBERT model, as in the <c>config.json</c> of a Hugging Face checkpoint.</summary>
public sealed record DistilBertConfig
{
    // Sinusoidal positions are how the table begins, which the checkpoint holds.
    private static readonly string[] WithoutEffect = ["model_type", "output_past", "qa_dropout", "sinusoidal_pos_embds", "tie_weights_", "tie_word_embeddings"];

    /// <summary>Number of tokens in the vocabulary.</summary>
    [JsonPropertyName("vocab_size")] public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    [JsonPropertyName("dim")] public required int Dim { get; init; }

    /// <summary>Width inside the feed-forward.</summary>
    [JsonPropertyName("hidden_dim")] public required int HiddenDim { get; init; }

    /// <summary>Number of layers.</summary>
    [JsonPropertyName("n_layers")] public required int NumLayers { get; init; }

    /// <summary>Number of attention heads, a divisor of <see cref="Dim"/>.</summary>
    [JsonPropertyName("n_heads")] public required int NumHeads { get; init; }

    /// <summary>The longest sequence that there are positions for.</summary>
    [JsonPropertyName("max_position_embeddings")] public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Activation of the feed-forward.</summary>
    [JsonPropertyName("activation")] public string Activation { get; init; } = "gelu";

    /// <summary>Probability of dropping, in training, an element of the embeddings, of the feed-forward's result or of a token classifier's input.</summary>
    [JsonPropertyName("dropout")] public double Dropout { get; init; } = 0.1;

    /// <summary>Probability of dropping, in training, an attention weight.</summary>
    [JsonPropertyName("attention_dropout")] public double AttentionDropout { get; init; } = 0.1;

    /// <summary>Probability of dropping, in training, an input of a sequence classifier.</summary>
    [JsonPropertyName("seq_classif_dropout")] public double SeqClassifDropout { get; init; } = 0.2;

    /// <summary>Standard deviation of new weights.</summary>
    [JsonPropertyName("initializer_range")] public double InitializerRange { get; init; } = 0.02;

    /// <summary>Number of classes of a classifier: of <c>id2label</c>, else <c>num_labels</c>, else 2.</summary>
    [JsonIgnore] public int NumLabels { get; init; } = 2;

    /// <summary>Reads and checks a <c>config.json</c>.</summary>
    /// <exception cref="LoraException">The file is missing, is not JSON, lacks a key, or asks for something that is not implemented.</exception>
    public static DistilBertConfig Read(string path)
    {
        var file = ConfigFile.Read(path);
        file.RequireModelType("distilbert");
        file.RequireOff("pruned_heads");
        file.RefuseUnknown([.. ConfigKeys.Of<DistilBertConfig>(), .. WithoutEffect]);
        file.DropNulls();
        var config = file.Deserialize<DistilBertConfig>() with { NumLabels = Labels.Count(file) };
        config.Check(path);
        return config;
    }

    /// <summary>The config as a file's content.</summary>
    internal JsonObject ToJson()
    {
        var json = JsonSerializer.SerializeToNode(this)!.AsObject();
        json["model_type"] = "distilbert";
        return json;
    }

    /// <exception cref="LoraException">A value is out of its range, or asks for something that is not implemented.</exception>
    internal void Check(string place)
    {
        var check = new ConfigCheck(place);
        check.Size("vocab_size", VocabSize);
        check.Size("dim", Dim);
        check.Size("hidden_dim", HiddenDim);
        check.Size("n_layers", NumLayers);
        check.Size("n_heads", NumHeads);
        check.Size("max_position_embeddings", MaxPositionEmbeddings);
        check.Size("num_labels", NumLabels);
        check.Heads("dim", Dim, "n_heads", NumHeads);
        check.ActivationName("activation", Activation);
        check.Dropout("dropout", Dropout);
        check.Dropout("attention_dropout", AttentionDropout);
        check.Dropout("seq_classif_dropout", SeqClassifDropout);
    }
}
