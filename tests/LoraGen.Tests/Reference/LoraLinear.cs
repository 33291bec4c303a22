namespace LoraGen.Tests.Reference;

/// <summary>
/// y = W x + b + s B A x and its derivatives, in float64 and in plain loops, written from arXiv 2106.09685 section 4.1: the formulas
/// that the library is held against.
/// </summary>
internal sealed record LoraLinear(double[,] Weight, double[]? Bias, double[,] A, double[,] B, double Scale)
{
    private int In => Weight.GetLength(1);

    private int Out => Weight.GetLength(0);

    private int Rank => A.GetLength(0);

    /// <summary>
    /// How many roundings lie between the inputs and one result: a sum over in, a sum over r, and the few operations around them.
    /// </summary>
    public int Roundings => In + Rank + 4;

    /// <summary>x [rows, in] to y [rows, out].</summary>
    /// <param name="x">The input.</param>
    /// <param name="mask">What A's input is multiplied by: 0 where it is dropped, 1 / (1 - p) where it is kept; null without dropout.</param>
    public double[,] Forward(double[,] x, double[,]? mask = null)
    {
        var rows = x.GetLength(0);
        var y = new double[rows, Out];
        for (var n = 0; n < rows; n++)
        {
            var reduced = Reduced(x, mask, n);
            for (var o = 0; o < Out; o++)
            {
                var sum = Bias?[o] ?? 0;
                for (var i = 0; i < In; i++)
                    sum += Weight[o, i] * x[n, i];
                for (var k = 0; k < Rank; k++)
                    sum += Scale * B[o, k] * reduced[k];
                y[n, o] = sum;
            }
        }

        return y;
    }

    /// <summary>The derivatives by A, B and x of a loss whose derivative by y is <paramref name="dy"/>.</summary>
    public (double[,] A, double[,] B, double[,] X) Gradients(double[,] x, double[,] dy, double[,]? mask = null)
    {
        var rows = x.GetLength(0);
        var (da, db, dx) = (new double[Rank, In], new double[Out, Rank], new double[rows, In]);
        for (var n = 0; n < rows; n++)
        {
            var reduced = Reduced(x, mask, n);
            for (var k = 0; k < Rank; k++)
            {
                var back = 0.0;
                for (var o = 0; o < Out; o++)
                {
                    back += Scale * B[o, k] * dy[n, o];
                    db[o, k] += Scale * dy[n, o] * reduced[k];
                }

                for (var i = 0; i < In; i++)
                {
                    var kept = mask?[n, i] ?? 1;
                    da[k, i] += back * kept * x[n, i];
                    dx[n, i] += back * kept * A[k, i];
                }
            }

            for (var o = 0; o < Out; o++)
            {
                for (var i = 0; i < In; i++)
                    dx[n, i] += dy[n, o] * Weight[o, i];
            }
        }

        return (da, db, dx);
    }

    /// <summary>W + s B A.</summary>
    public double[,] MergedWeight()
    {
        var merged = (double[,])Weight.Clone();
        for (var o = 0; o < Out; o++)
        {
            for (var i = 0; i < In; i++)
            {
                for (var k = 0; k < Rank; k++)
                    merged[o, i] += Scale * B[o, k] * A[k, i];
            }
        }

        return merged;
    }

    /// <summary>The same with every number's absolute value: the sizes that rounding errors are proportional to.</summary>
    public LoraLinear Absolute() => new(Matrices.Abs(Weight), Bias is null ? null : [.. Bias.Select(Math.Abs)], Matrices.Abs(A), Matrices.Abs(B), Math.Abs(Scale));

    private double[] Reduced(double[,] x, double[,]? mask, int row)
    {
        var reduced = new double[Rank];
        for (var k = 0; k < Rank; k++)
        {
            for (var i = 0; i < In; i++)
                reduced[k] += A[k, i] * (mask?[row, i] ?? 1) * x[row, i];
        }

        return reduced;
    }
}
