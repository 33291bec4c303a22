namespace LoraGen.Tests.Reference;

/// <summary>The test of Kolmogorov and Smirnov: how far the empirical distribution of a sample lies from a given one.</summary>
internal static class KolmogorovSmirnov
{
    /// <summary>
    /// The largest distance of the two distribution functions times the square root of the sample's size. Of samples drawn from the
    /// distribution itself, one in a thousand exceeds <see cref="OneInAThousand"/>.
    /// </summary>
    public static double Statistic(IEnumerable<double> sample, Func<double, double> distribution)
    {
        var sorted = sample.Order().ToArray();
        var distance = sorted.Select((value, i) => Math.Max(
            Math.Abs(distribution(value) - ((double)i / sorted.Length)),
            Math.Abs(distribution(value) - ((i + 1.0) / sorted.Length)))).Max();
        return distance * Math.Sqrt(sorted.Length);
    }

    public const double OneInAThousand = 1.95;

    /// <summary>The distribution function of U(-bound, bound).</summary>
    public static Func<double, double> Uniform(double bound) => value => Math.Clamp((value + bound) / (2 * bound), 0, 1);

    /// <summary>The distribution function of N(0, deviation²), by the series 1/2 + φ(z) (z + z³/3 + z⁵/(3·5) + ...).</summary>
    public static Func<double, double> Normal(double deviation) => value =>
    {
        var z = Math.Clamp(value / deviation, -7, 7);
        var (sum, term) = (z, z);
        for (var n = 1; n < 150; n++)
            sum += term *= z * z / ((2 * n) + 1);
        return 0.5 + (sum * Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI));
    };
}
