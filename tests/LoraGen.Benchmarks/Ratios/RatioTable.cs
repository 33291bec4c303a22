using System.Globalization;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>Writes measurements as the Markdown that <c>docs/performance.md</c> holds.</summary>
internal static class RatioTable
{
    public static IEnumerable<string> Head =>
    [
        "| Work | against | Ratio | middle half | of the fastest | Times | Aim |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ];

    public static string Row(Pair pair, Measurement measured)
    {
        var (low, high) = measured.Spread;
        var aim = pair.Aim is null ? "" : $"{pair.Aim.Text}: {(pair.Aim.IsMet(measured) ? "met" : "**missed**")}";
        return $"| {pair.Variant.Name} | {pair.Baseline.Name} | {Ratio(measured.Ratio)} | {Ratio(low)} to {Ratio(high)} | {Ratio(measured.BestRatio)} "
            + $"| {Time(measured.VariantSeconds)} / {Time(measured.BaselineSeconds)} | {aim} |";
    }

    private static string Ratio(double value) => value.ToString(value < 0.1 ? "0.0000" : "0.00", CultureInfo.InvariantCulture);

    private static string Time(double seconds) => seconds switch
    {
        < 1e-3 => $"{(seconds * 1e6).ToString("0.0", CultureInfo.InvariantCulture)} µs",
        < 1 => $"{(seconds * 1e3).ToString("0.00", CultureInfo.InvariantCulture)} ms",
        _ => $"{seconds.ToString("0.00", CultureInfo.InvariantCulture)} s",
    };
}
