using System.Globalization;
using SdkDocs.FineTuning;
using Spectre.Console;

namespace SdkDocs.Output;

/// <summary>The comparison as one table.</summary>
internal static class ResultTable
{
    // What nine columns need with a frame around them.
    private const int FramedWidth = 96;

    public static void Print(IReadOnlyList<MethodResult> results)
    {
        var framed = Terminal.Console.Profile.Width >= FramedWidth;
        var table = new Table().Border(framed ? TableBorder.Rounded : TableBorder.None);
        foreach (var heading in new[] { "method", "trainable", "saved", "loss", "perplexity", "BLEU", "exact", "seconds", "peak memory" })
        {
            var column = new TableColumn(framed ? heading : heading.Replace("plexity", ".").Replace("onds", ".").Replace(" memory", ""))
            {
                Alignment = heading == "method" ? Justify.Left : Justify.Right,
                NoWrap = true,
            };
            table.AddColumn(framed ? column : column.PadLeft(0).PadRight(1));
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
