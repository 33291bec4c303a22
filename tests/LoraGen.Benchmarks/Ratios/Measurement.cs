namespace LoraGen.Benchmarks.Ratios;

/// <summary>What the rounds of a <see cref="Pair"/> gave.</summary>
/// <param name="Variant">Seconds for one run of the variant, in each round.</param>
/// <param name="Baseline">The same of the baseline.</param>
internal sealed record Measurement(IReadOnlyList<double> Variant, IReadOnlyList<double> Baseline)
{
    private readonly double[] _ratios = [.. Variant.Zip(Baseline, (variant, baseline) => variant / baseline).Order()];

    /// <summary>The median of the rounds' ratios.</summary>
    public double Ratio => Quantile(_ratios, 0.5);

    /// <summary>Between which ratios the middle half of the rounds lies.</summary>
    public (double Low, double High) Spread => (Quantile(_ratios, 0.25), Quantile(_ratios, 0.75));

    /// <summary>The fastest round of the one over the fastest of the other: what is left when nothing else wants the machine.</summary>
    public double BestRatio => Variant.Min() / Baseline.Min();

    /// <summary>The median time of the variant.</summary>
    public double VariantSeconds => Quantile([.. Variant.Order()], 0.5);

    /// <summary>The median time of the baseline.</summary>
    public double BaselineSeconds => Quantile([.. Baseline.Order()], 0.5);

    private static double Quantile(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var (below, above) = ((int)Math.Floor(place), (int)Math.Ceiling(place));
        return sorted[below] + ((place - below) * (sorted[above] - sorted[below]));
    }
}
