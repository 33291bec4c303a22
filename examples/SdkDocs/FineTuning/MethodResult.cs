using System.Text.Json.Serialization;

namespace SdkDocs.FineTuning;

/// <summary>One row of the comparison.</summary>
internal sealed record MethodResult
{
    /// <summary><c>base</c>, <c>lora</c> or <c>full</c>.</summary>
    [JsonPropertyName("name")] public required string Name { get; init; }

    /// <summary>Number of parameters that the method trains.</summary>
    [JsonPropertyName("trainable_parameters")] public required long TrainableParameters { get; init; }

    /// <summary>Bytes of the file that holds what was trained.</summary>
    [JsonPropertyName("saved_bytes")] public required long SavedBytes { get; init; }

    /// <summary>Mean negative log-likelihood of a held-out summary token, in nats.</summary>
    [JsonPropertyName("heldout_loss")] public required double HeldOutLoss { get; init; }

    /// <summary>exp of the loss.</summary>
    [JsonPropertyName("perplexity")] public double Perplexity => Math.Exp(HeldOutLoss);

    /// <summary>Corpus BLEU-4 of the greedy summaries, in per cent.</summary>
    [JsonPropertyName("bleu")] public required double Bleu { get; init; }

    /// <summary>Share of greedy summaries that equal the reference, 0 to 1.</summary>
    [JsonPropertyName("exact_match")] public required double ExactMatch { get; init; }

    /// <summary>Seconds of training; 0 for the base.</summary>
    [JsonPropertyName("seconds")] public required double Seconds { get; init; }

    /// <summary>Largest resident memory of the process while the method trained and was judged.</summary>
    [JsonPropertyName("peak_bytes")] public required long PeakBytes { get; init; }

    /// <summary>The greedy summaries, in the order of the held-out members.</summary>
    [JsonIgnore] public IReadOnlyList<string> Summaries { get; init; } = [];
}
