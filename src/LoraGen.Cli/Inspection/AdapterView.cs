using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoraGen.Peft;
using Spectre.Console;

namespace LoraGen.Cli.Inspection;

/// <summary>An adapter as a table, or as JSON.</summary>
internal static partial class AdapterView
{
    public static void Show(PeftInspection inspection, bool asJson)
    {
        if (asJson)
        {
            Console.WriteLine(Json(inspection).ToJsonString(JsonText.Indented));
            return;
        }

        var config = inspection.Config;
        var saved = inspection.Saved.Count == 0 ? "" : $", {inspection.SavedParameters:N0} in {inspection.Saved.Count} saved tensors";
        Facts.Write(
            ("adapter", inspection.WeightsPath),
            ("base", config.BaseModelNameOrPath ?? "not said"),
            ("task", config.TaskType ?? "not said"),
            ("rank, alpha", $"{config.Rank}, {Number(config.Alpha)}{(config.UseRslora ? " (rslora: alpha / sqrt(r))" : "")}"),
            ("targets", config.TargetModulesPattern ?? (config.TargetModules is { } targets ? string.Join(", ", targets) : "not said")),
            ("parameters", $"{inspection.Parameters:N0} in {inspection.Updates.Count} layers{saved}"),
            ("norm of all updates", Number(inspection.Norm)),
            ("effect", inspection.IsNoOp ? "none: a no-op" : "changes the base"));

        var table = new Table().Border(TableBorder.Rounded);
        foreach (var heading in new[] { "layer", "A", "B", "dtype", "rank", "alpha", "scale", "norm" })
        {
            table.AddColumn(heading);
        }

        foreach (var layer in inspection.Updates.OrderBy(layer => Numbered().Replace(layer.Update.Path, number => number.Value.PadLeft(6)), StringComparer.Ordinal))
        {
            var update = layer.Update;
            table.AddRow(
                new Text(update.Path), new Text(Shape(update.A)), new Text(Shape(update.B)), new Text(update.A.Dtype.ToString()), new Text($"{update.Rank}"),
                new Text(Number(update.Alpha)), new Text(Number(update.Scale)), new Text(layer.IsZero ? "0" : Number(layer.Norm)));
        }

        Terminal.Wide().Write(table);
        foreach (var oddity in inspection.Oddities)
        {
            Console.WriteLine($"odd: {oddity}");
        }
    }

    private static JsonObject Json(PeftInspection inspection) => new()
    {
        ["kind"] = "adapter",
        ["weights"] = inspection.WeightsPath,
        ["base_model_name_or_path"] = inspection.Config.BaseModelNameOrPath,
        ["task_type"] = inspection.Config.TaskType,
        ["r"] = inspection.Config.Rank,
        ["lora_alpha"] = inspection.Config.Alpha,
        ["use_rslora"] = inspection.Config.UseRslora,
        ["target_modules"] = inspection.Config.TargetModulesPattern is { } pattern ? pattern : JsonText.List(inspection.Config.TargetModules ?? []),
        ["parameters"] = inspection.Parameters,
        ["saved_parameters"] = inspection.SavedParameters,
        ["norm"] = JsonText.Number(inspection.Norm),
        ["is_no_op"] = inspection.IsNoOp,
        ["layers"] = new JsonArray([.. inspection.Updates.Select(layer => (JsonNode)new JsonObject
        {
            ["path"] = layer.Update.Path,
            ["a"] = JsonText.List(layer.Update.A.Shape),
            ["b"] = JsonText.List(layer.Update.B.Shape),
            ["dtype"] = layer.Update.A.Dtype.ToString(),
            ["r"] = layer.Update.Rank,
            ["alpha"] = layer.Update.Alpha,
            ["scale"] = layer.Update.Scale,
            ["norm"] = JsonText.Number(layer.Norm),
        })]),
        ["saved"] = JsonText.List(inspection.Saved.Select(tensor => tensor.Key)),
        ["oddities"] = JsonText.List(inspection.Oddities),
    };

    private static string Shape(PeftTensor tensor) => $"[{string.Join(", ", tensor.Shape)}]";

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    // Layer 2 before layer 10.
    [GeneratedRegex(@"\d+")]
    private static partial Regex Numbered();
}
