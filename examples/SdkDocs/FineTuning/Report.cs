using System.Text.Json;
using System.Text.Json.Serialization;
using LoraGen.Files;

namespace SdkDocs.FineTuning;

/// <summary>What <c>report.json</c> holds.</summary>
internal sealed record Report
{
    [JsonPropertyName("methods")] public required IReadOnlyList<MethodResult> Methods { get; init; }

    [JsonPropertyName("max_reload_difference")] public required double MaxReloadDifference { get; init; }

    [JsonPropertyName("max_merge_difference_fp32")] public required double MaxMergeDifferenceFp32 { get; init; }

    [JsonPropertyName("max_merge_difference")] public required double MaxMergeDifference { get; init; }

    [JsonPropertyName("base_restored_bit_exact")] public required bool BaseRestoredBitExact { get; init; }

    [JsonPropertyName("seed")] public required int Seed { get; init; }

    [JsonPropertyName("command")] public required string Command { get; init; }

    public void Write(string path)
        => AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, new JsonSerializerOptions { WriteIndented = true }));
}
