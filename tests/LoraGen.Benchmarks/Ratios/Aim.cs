using System.Globalization;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>What a measurement should come to.</summary>
internal sealed record Aim(string Text, Func<Measurement, bool> IsMet)
{
    public static Aim AtMost(double ratio) => new($"≤ {Format(ratio)}", measured => measured.Ratio <= ratio);

    public static Aim Near(double ratio, double tolerance)
        => new($"{Format(ratio)} ± {Format(tolerance)}", measured => Math.Abs(measured.Ratio - ratio) <= tolerance);

    public static Aim Within(double microseconds)
        => new($"{microseconds.ToString(CultureInfo.InvariantCulture)} µs", measured => measured.VariantSeconds * 1e6 < microseconds);

    private static string Format(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
