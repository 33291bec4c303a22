namespace LoraGen.Tests.Reference;

/// <summary>
/// DoRA in float64 and in plain loops, written from arXiv 2402.09353: y = (m / ||V||) V x + b with V = W + s B A and its norm over the
/// inputs. The norm is a constant to the derivatives (section 4.3).
/// </summary>
internal sealed record DoraLinear(LoraLinear Lora, double[] Magnitude)
{
    private int In => Lora.Weight.GetLength(1);

    /// <summary>m / ||V|| of each output.</summary>
    public double[] Ratio => [.. Magnitude.Select((m, o) => m / Norm(Lora.MergedWeight(), o))];

    /// <summary>(m / ||V||) V.</summary>
    public double[,] MergedWeight()
    {
        var (merged, ratio) = (Lora.MergedWeight(), Ratio);
        for (var o = 0; o < merged.GetLength(0); o++)
        {
            for (var i = 0; i < In; i++)
                merged[o, i] *= ratio[o];
        }

        return merged;
    }

    /// <summary>x [rows, in] to y [rows, out]. Without dropout on its input the base is W x; with it, PEFT takes (m / ||V|| - 1) of the dropped.</summary>
    /// <param name="x">The input.</param>
    /// <param name="mask">0 where an input is dropped, 1 / (1 - p) where it is kept; null without dropout.</param>
    /// <param name="ratio">m / ||V||, where a derivative wants it held.</param>
    public double[,] Forward(double[,] x, double[,]? mask = null, double[]? ratio = null)
    {
        ratio ??= Ratio;
        var direction = Lora.MergedWeight();
        var y = new double[x.GetLength(0), Magnitude.Length];
        for (var n = 0; n < x.GetLength(0); n++)
        {
            for (var o = 0; o < Magnitude.Length; o++)
            {
                y[n, o] = Lora.Bias?[o] ?? 0;
                for (var i = 0; i < In; i++)
                {
                    var kept = (mask?[n, i] ?? 1) * x[n, i];
                    y[n, o] += (Lora.Weight[o, i] * (x[n, i] - kept)) + (ratio[o] * direction[o, i] * kept);
                }
            }
        }

        return y;
    }

    public static double Norm(double[,] weight, int row)
    {
        var sum = 0.0;
        for (var i = 0; i < weight.GetLength(1); i++)
            sum += weight[row, i] * weight[row, i];
        return Math.Sqrt(sum);
    }
}
