using System.Text.Json.Serialization;

namespace LoraGen.Transformers.Llama;

/// <summary>The rotary part of a <c>config.json</c> as Transformers 5 writes it.</summary>
/// <param name="RopeType">Only <c>default</c> is implemented.</param>
/// <param name="RopeTheta">Base of the rotary frequencies.</param>
public sealed record LlamaRopeParameters(
    [property: JsonPropertyName("rope_type")] string RopeType,
    [property: JsonPropertyName("rope_theta")] double? RopeTheta);
