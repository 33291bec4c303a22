namespace LoraGen.Tests.Reference;

/// <summary>The singular value decomposition by one-sided Jacobi rotations (Hestenes 1958), in float64 and in plain loops.</summary>
internal static class JacobiSvd
{
    /// <summary>The best approximation of a rank, and the singular values, the largest first.</summary>
    public static (double[,] Approximation, double[] Values) Truncate(double[,] matrix, int rank)
    {
        var (m, n) = (matrix.GetLength(0), matrix.GetLength(1));
        var work = (double[,])matrix.Clone();
        var v = new double[n, n];
        for (var i = 0; i < n; i++)
            v[i, i] = 1;

        // Until every two columns of work = matrix * v are orthogonal.
        for (var sweep = 0; sweep < 60; sweep++)
        {
            for (var p = 0; p < n; p++)
            {
                for (var q = p + 1; q < n; q++)
                    Rotate(work, v, p, q);
            }
        }

        var norms = Enumerable.Range(0, n).Select(j => Math.Sqrt(Enumerable.Range(0, m).Sum(i => work[i, j] * work[i, j]))).ToArray();
        var order = Enumerable.Range(0, n).OrderByDescending(j => norms[j]).ToArray();
        var result = new double[m, n];
        foreach (var k in order.Take(rank))
        {
            for (var i = 0; i < m; i++)
            {
                for (var j = 0; j < n; j++)
                    result[i, j] += work[i, k] * v[j, k];
            }
        }

        return (result, [.. order.Select(j => norms[j])]);
    }

    private static void Rotate(double[,] work, double[,] v, int p, int q)
    {
        var (alpha, beta, gamma) = (0.0, 0.0, 0.0);
        for (var i = 0; i < work.GetLength(0); i++)
        {
            alpha += work[i, p] * work[i, p];
            beta += work[i, q] * work[i, q];
            gamma += work[i, p] * work[i, q];
        }

        if (Math.Abs(gamma) <= 1e-17 * Math.Sqrt(alpha * beta))
            return;
        var zeta = (beta - alpha) / (2 * gamma);
        var t = (zeta >= 0 ? 1 : -1) / (Math.Abs(zeta) + Math.Sqrt(1 + (zeta * zeta)));
        var c = 1 / Math.Sqrt(1 + (t * t));
        Turn(work, p, q, c, c * t);
        Turn(v, p, q, c, c * t);
    }

    private static void Turn(double[,] matrix, int p, int q, double c, double s)
    {
        for (var i = 0; i < matrix.GetLength(0); i++)
            (matrix[i, p], matrix[i, q]) = ((c * matrix[i, p]) - (s * matrix[i, q]), (s * matrix[i, p]) + (c * matrix[i, q]));
    }
}
