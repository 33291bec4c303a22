using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Combining;

/// <summary>What updates are, and what they must come to, in plain arrays and loops.</summary>
internal static class Deltas
{
    /// <summary>s B A [out, in].</summary>
    public static double[,] Of(LowRankUpdate update) => Product(Values.Matrix(update.B), Values.Matrix(update.A), update.Scale.Factor);

    public static double[,] Product(double[,] b, double[,] a, double scale = 1)
    {
        var result = new double[b.GetLength(0), a.GetLength(1)];
        for (var i = 0; i < result.GetLength(0); i++)
        {
            for (var j = 0; j < result.GetLength(1); j++)
            {
                for (var k = 0; k < a.GetLength(0); k++)
                    result[i, j] += scale * b[i, k] * a[k, j];
            }
        }

        return result;
    }

    public static double[,] Sum(params (double Weight, double[,] Matrix)[] terms)
        => terms.Select(term => Matrices.Map(term.Matrix, value => term.Weight * value)).Aggregate((left, right) => Matrices.Zip(left, right, (a, b) => a + b));

    public static double Norm(double[,] matrix) => Math.Sqrt(matrix.Cast<double>().Sum(value => value * value));

    /// <summary>The norm of the difference over that of what was expected.</summary>
    public static double Distance(double[,] expected, double[,] found) => Norm(Sum((1, found), (-1, expected))) / Norm(expected);

    /// <summary>Keeps the share of largest absolute values.</summary>
    public static double[,] Largest(double[,] matrix, double density)
    {
        var smallest = matrix.Cast<double>().Select(Math.Abs).OrderDescending().ElementAt((int)(density * matrix.Length) - 1);
        return Matrices.Map(matrix, value => Math.Abs(value) >= smallest ? value : 0);
    }

    /// <summary>TIES after the pruning: the mean, over the matrices whose value has the elected sign, of the weighted values.</summary>
    public static double[,] ElectedMean(MajoritySign method, params (double Weight, double[,] Matrix)[] terms)
    {
        var result = new double[terms[0].Matrix.GetLength(0), terms[0].Matrix.GetLength(1)];
        for (var i = 0; i < result.GetLength(0); i++)
        {
            for (var j = 0; j < result.GetLength(1); j++)
            {
                var votes = terms.Sum(term => method == MajoritySign.Total ? term.Matrix[i, j] : Math.Sign(term.Matrix[i, j]));
                var sign = votes >= 0 ? 1 : -1;
                var elected = terms.Where(term => Math.Sign(term.Matrix[i, j]) == sign).ToList();
                result[i, j] = elected.Count == 0 ? 0 : elected.Sum(term => term.Weight * term.Matrix[i, j]) / elected.Count;
            }
        }

        return result;
    }
}
