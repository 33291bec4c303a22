using System.Globalization;
using System.Text.Json.Nodes;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Cli.Inspection;

/// <summary>A checkpoint as a few lines, or as JSON.</summary>
internal static class CheckpointView
{
    public static void Show(string folder, bool asJson)
    {
        var inspection = CheckpointFolder.Inspect(folder);
        if (asJson)
        {
            Console.WriteLine(Json(inspection).ToJsonString(JsonText.Indented));
            return;
        }

        Facts.Write(
            ("checkpoint", inspection.WeightsPath),
            ("architecture", $"{inspection.Architecture}{(inspection.IsImplemented ? "" : " (not implemented in LoraGen)")}"),
            ("parameters", $"{inspection.Parameters:N0} in {inspection.Tensors} tensors, {(inspection.Bytes / 1e6).ToString("N1", CultureInfo.InvariantCulture)} MB"),
            ("dtypes", string.Join(", ", inspection.Dtypes.Select(dtype => $"{dtype.Key} {dtype.Value:N0}"))),
            ("beside it", inspection.Files.Count == 0 ? "no tokenizer" : string.Join(", ", inspection.Files)));
    }

    private static JsonObject Json(CheckpointInspection inspection) => new()
    {
        ["kind"] = "checkpoint",
        ["weights"] = inspection.WeightsPath,
        ["architecture"] = inspection.Architecture,
        ["is_implemented"] = inspection.IsImplemented,
        ["tensors"] = inspection.Tensors,
        ["parameters"] = inspection.Parameters,
        ["bytes"] = inspection.Bytes,
        ["dtypes"] = new JsonObject(inspection.Dtypes.Select(dtype => KeyValuePair.Create<string, JsonNode?>(dtype.Key.ToString(), dtype.Value))),
        ["files"] = JsonText.List(inspection.Files),
    };
}
