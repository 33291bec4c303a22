using static TorchSharp.torch;

namespace LoraGen.Tests.Reference;

/// <summary>What the float formats promise, and comparisons within it.</summary>
internal static class Rounding
{
    /// <summary>The largest relative error of one rounding to fp32, which has 24 bits of precision.</summary>
    public static readonly double Float32 = Math.ScaleB(1, -24);

    /// <summary>The largest relative error of one rounding to bf16, which has 8 bits of precision.</summary>
    public static readonly double BFloat16 = Math.ScaleB(1, -8);

    /// <summary>The largest relative error of one rounding to a format: half the distance of the numbers next to 1.</summary>
    public static double Unit(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => Math.ScaleB(1, -53),
        ScalarType.Float32 => Float32,
        ScalarType.Float16 => Math.ScaleB(1, -11),
        ScalarType.BFloat16 => BFloat16,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Not a float format."),
    };

    /// <summary>
    /// How many roundings to count for a product: all of its sum's, or, in the half formats, only <paramref name="stored"/>, those of
    /// numbers that are stored, since their sums are fp32.
    /// </summary>
    public static int Count(ScalarType dtype, int summed, int stored) => dtype is ScalarType.BFloat16 or ScalarType.Float16 ? stored : summed;

    /// <summary>
    /// Checks |found - expected| &lt;= unit * roundings * sizes, the classical bound of a sum computed in floating point, element by
    /// element.
    /// </summary>
    public static void AssertWithin(double[,] expected, double[,] found, double[,] sizes, double unit, int roundings)
    {
        Assert.Equal((expected.GetLength(0), expected.GetLength(1)), (found.GetLength(0), found.GetLength(1)));
        for (var i = 0; i < expected.GetLength(0); i++)
        {
            for (var j = 0; j < expected.GetLength(1); j++)
            {
                var (error, bound) = (Math.Abs(found[i, j] - expected[i, j]), unit * roundings * sizes[i, j]);
                Assert.True(error <= bound, FormattableString.Invariant($"[{i}, {j}]: expected {expected[i, j]:R} within {bound:R}, found {found[i, j]:R}"));
            }
        }
    }

    /// <summary>The number of a format nearest to a value, as torch rounds: to bf16 by way of fp32.</summary>
    public static double Nearest(ScalarType dtype, double value) => dtype switch
    {
        ScalarType.Float64 => value,
        ScalarType.Float32 => (float)value,
        ScalarType.BFloat16 => ToBFloat16((float)value),
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Not a format that is rounded to here."),
    };

    /// <summary>The bf16 number nearest to a value, ties to the even one; for values well inside the format's range.</summary>
    public static double ToBFloat16(double value)
    {
        if (value == 0)
            return 0;
        var unit = UnitInLastPlace(value);
        return Math.Round(value / unit, MidpointRounding.ToEven) * unit;
    }

    /// <summary>The distance of neighbouring bf16 numbers around a value.</summary>
    public static double UnitInLastPlace(double value) => Math.ScaleB(1, Math.ILogB(value) - 7);
}
