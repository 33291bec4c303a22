using System.Text.Json.Serialization;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.Attention;

/// <summary>
/// How rotary frequencies are stretched beyond the length of pretraining: <c>rope_scaling</c> in a <c>config.json</c>, or
/// <c>rope_parameters</c> as Transformers 5 has it. Which keys a kind has, <see cref="RopeFrequencies"/> says.
/// </summary>
public sealed record RopeParameters
{
    /// <summary><c>default</c>, <c>linear</c>, <c>dynamic</c>, <c>llama3</c>, <c>yarn</c> or <c>longrope</c>.</summary>
    [JsonPropertyName("rope_type")] public string RopeType { get; init; } = "default";

    /// <summary>How many times longer the context became.</summary>
    [JsonPropertyName("factor")] public double? Factor { get; init; }

    /// <summary>The context of pretraining, in tokens.</summary>
    [JsonPropertyName("original_max_position_embeddings")] public int? OriginalMaxPositionEmbeddings { get; init; }

    /// <summary>llama3: waves that fit less often than this into the original context are stretched by the whole factor.</summary>
    [JsonPropertyName("low_freq_factor")] public double? LowFreqFactor { get; init; }

    /// <summary>llama3: waves that fit more often than this into the original context stay as they are.</summary>
    [JsonPropertyName("high_freq_factor")] public double? HighFreqFactor { get; init; }

    /// <summary>yarn, longrope: what cosine and sine are multiplied by; by default computed from the factor.</summary>
    [JsonPropertyName("attention_factor")] public double? AttentionFactor { get; init; }

    /// <summary>yarn: from this number of turns in the original context on, a wave stays as it is; 32 by default.</summary>
    [JsonPropertyName("beta_fast")] public double? BetaFast { get; init; }

    /// <summary>yarn: up to this number of turns in the original context, a wave is stretched by the whole factor; 1 by default.</summary>
    [JsonPropertyName("beta_slow")] public double? BetaSlow { get; init; }

    /// <summary>yarn: with <see cref="MscaleAllDim"/>, gives the attention factor.</summary>
    [JsonPropertyName("mscale")] public double? Mscale { get; init; }

    /// <summary>yarn: with <see cref="Mscale"/>, gives the attention factor.</summary>
    [JsonPropertyName("mscale_all_dim")] public double? MscaleAllDim { get; init; }

    /// <summary>yarn: whether the bounds of the ramp are rounded to whole dimensions; true by default.</summary>
    [JsonPropertyName("truncate")] public bool? Truncate { get; init; }

    /// <summary>longrope: one divisor for each frequency, up to the original context.</summary>
    [JsonPropertyName("short_factor")] public IReadOnlyList<double>? ShortFactor { get; init; }

    /// <summary>longrope: one divisor for each frequency, beyond the original context.</summary>
    [JsonPropertyName("long_factor")] public IReadOnlyList<double>? LongFactor { get; init; }

    /// <exception cref="LoraException">The kind is not implemented, lacks a number, or has one that is not its own or out of its range.</exception>
    internal void Check(string place, int headDim, int maxPositions)
    {
        string[] needed = RopeType switch
        {
            "default" => [],
            "linear" or "dynamic" or "yarn" => ["factor"],
            "llama3" => ["factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor"],
            "longrope" => ["original_max_position_embeddings", "short_factor", "long_factor"],
            _ => throw ConfigFile.Refusal(place, "rope_type", "default, linear, dynamic, llama3, yarn or longrope", RopeType),
        };
        string[] optional = RopeType switch
        {
            "dynamic" => ["original_max_position_embeddings"],
            "yarn" => ["original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate"],
            "longrope" => ["factor", "attention_factor"],
            _ => [],
        };
        foreach (var (key, value) in Given())
        {
            Require(value is not null || !needed.Contains(key), key, $"a value for rope_type {RopeType}", "none");
            Require(value is null || needed.Contains(key) || optional.Contains(key), key, $"no such key for rope_type {RopeType}", $"{value}");
            Require(value is not double number || (double.IsFinite(number) && number > 0), key, "a positive number", $"{value}");
        }

        Require(Factor is not < 1, "factor", "at least 1", $"{Factor}");
        Require(OriginalMaxPositionEmbeddings is not < 1, "original_max_position_embeddings", "a positive number", $"{OriginalMaxPositionEmbeddings}");
        Require(
            RopeType != "dynamic" || OriginalMaxPositionEmbeddings is null || OriginalMaxPositionEmbeddings == maxPositions,
            "original_max_position_embeddings", $"max_position_embeddings ({maxPositions}), from which dynamic scaling counts", $"{OriginalMaxPositionEmbeddings}");
        Require(LowFreqFactor is null || LowFreqFactor < HighFreqFactor, "high_freq_factor", $"more than low_freq_factor ({LowFreqFactor})", $"{HighFreqFactor}");
        Require(RopeType != "dynamic" || headDim > 2, "rope_type", "another kind for heads of width 2", RopeType);
        foreach (var (key, factors) in new[] { ("short_factor", ShortFactor), ("long_factor", LongFactor) })
        {
            Require(
                factors is null || (factors.Count == headDim / 2 && factors.All(factor => double.IsFinite(factor) && factor > 0)),
                key, $"{headDim / 2} positive numbers", $"[{string.Join(", ", factors ?? [])}]");
        }

        void Require(bool holds, string key, string expected, string found)
        {
            if (!holds)
            {
                throw ConfigFile.Refusal(place, key, expected, found);
            }
        }
    }

    private IEnumerable<(string Key, object? Value)> Given() =>
    [
        ("factor", Factor), ("original_max_position_embeddings", OriginalMaxPositionEmbeddings), ("low_freq_factor", LowFreqFactor),
        ("high_freq_factor", HighFreqFactor), ("attention_factor", AttentionFactor), ("beta_fast", BetaFast), ("beta_slow", BetaSlow), ("mscale", Mscale),
        ("mscale_all_dim", MscaleAllDim), ("truncate", Truncate), ("short_factor", ShortFactor), ("long_factor", LongFactor),
    ];
}
