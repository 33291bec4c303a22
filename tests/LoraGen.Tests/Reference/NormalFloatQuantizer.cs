namespace LoraGen.Tests.Reference;

/// <summary>NF2, NF4 and NF8 as arXiv 2305.14314 defines them, in float64 and in plain loops.</summary>
internal static class NormalFloatQuantizer
{
    private const int Block = 64;

    /// <summary>NF4's levels as the paper prints them (appendix E).</summary>
    public static readonly double[] Printed =
    [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
        0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ];

    private static readonly Dictionary<int, double[]> Known = new[] { 2, 4, 8 }.ToDictionary(bits => bits, Computed);

    public static double[] Levels(int bits) => Known[bits];

    private static double[] Computed(int bits)
    {
        const double offset = 0.9677083;
        var half = 1 << (bits - 1);
        var above = Enumerable.Range(0, half).Select(i => Quantile(offset - (i * (offset - 0.5) / half)));
        var below = Enumerable.Range(0, half - 1).Select(i => -Quantile(offset - (i * (offset - 0.5) / (half - 1))));
        double[] levels = [.. above.Concat(below).Append(0).Order()];
        return [.. levels.Select(level => level / levels[^1])];
    }

    /// <summary>Row by row, 64 numbers at a time, whatever is left at the end being a block too.</summary>
    public static double[,] Rounded(double[,] matrix, int bits)
    {
        var levels = Levels(bits);
        double[] flat = [.. matrix.Cast<double>()];
        for (var start = 0; start < flat.Length; start += Block)
        {
            var end = Math.Min(start + Block, flat.Length);
            var largest = flat[start..end].Max(Math.Abs);
            for (var i = start; i < end; i++)
                flat[i] = largest == 0 ? 0 : levels.MinBy(level => Math.Abs((flat[i] / largest) - level)) * largest;
        }

        var result = new double[matrix.GetLength(0), matrix.GetLength(1)];
        Buffer.BlockCopy(flat, 0, result, 0, flat.Length * sizeof(double));
        return result;
    }

    // By bisection of the distribution's integral.
    private static double Quantile(double probability)
    {
        var (low, high) = (0.0, 3.0);
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = 0.5 + Integral(middle) < probability ? (middle, high) : (low, middle);
        }

        return low;
    }

    // Of the density from 0, by Simpson's rule.
    private static double Integral(double end)
    {
        const int steps = 400;
        var sum = 0.0;
        for (var i = 0; i <= steps; i++)
        {
            var z = end * i / steps;
            sum += (i is 0 or steps ? 1 : i % 2 == 1 ? 4 : 2) * Math.Exp(-z * z / 2);
        }

        return sum * end / steps / 3 / Math.Sqrt(2 * Math.PI);
    }
}
