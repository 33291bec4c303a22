using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraGen.Cli.Inspection;

/// <summary>How values become JSON.</summary>
internal static class JsonText
{
    public static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonArray List<T>(IEnumerable<T> values) => new([.. values.Select(value => JsonValue.Create(value))]);

    /// <summary>JSON has no NaN and no infinity.</summary>
    public static JsonNode? Number(double value) => double.IsFinite(value) ? value : null;
}
