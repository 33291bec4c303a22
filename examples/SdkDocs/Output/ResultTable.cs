using System.Globalization;
using SdkDocs.FineTuning;
using Spectre.Console;

namespace SdkDocs.Output;

/// <summary>The comparison as one table.</summary>
internal static class ResultTable
{
    public static void Print(IReadOnlyList<MethodResult> results)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var heading in new[] { "method", "trainable", "saved", "loss", "perplexity", "BLEU", "exact", "seconds", "peak memory" })
        {
            table.AddColumn(new TableColumn(heading) { Alignment = heading == "method" ? Justify.Left : Justify.Right, NoWrap = true });
        }

        foreach (var result in results)
        {
            table.AddRow(
                result.Name,
                Invariant($"{result.TrainableParameters:N0}"),
                Megabytes(result.SavedBytes),
                Invariant($"{result.HeldOutLoss:F3}"),
                Invariant($"{result.Perplexity:F2}"),
                Invariant($"{result.Bleu:F1}"),
                Invariant($"{result.ExactMatch:P1}"),
                Invariant($"{result.Seconds:F0}"),
                Megabytes(result.PeakBytes));
        }

        Terminal.Console.Write(table);
    }

    private static string Megabytes(long bytes) => Invariant($"{bytes / 1e6:F1} MB");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
