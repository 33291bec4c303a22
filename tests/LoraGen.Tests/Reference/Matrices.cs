namespace LoraGen.Tests.Reference;

/// <summary>Plain loops over plain arrays.</summary>
internal static class Matrices
{
    public static double[,] Map(double[,] matrix, Func<double, double> function)
    {
        var result = new double[matrix.GetLength(0), matrix.GetLength(1)];
        for (var i = 0; i < matrix.GetLength(0); i++)
        {
            for (var j = 0; j < matrix.GetLength(1); j++)
                result[i, j] = function(matrix[i, j]);
        }

        return result;
    }

    public static double[,] Zip(double[,] left, double[,] right, Func<double, double, double> function)
    {
        var result = new double[left.GetLength(0), left.GetLength(1)];
        for (var i = 0; i < left.GetLength(0); i++)
        {
            for (var j = 0; j < left.GetLength(1); j++)
                result[i, j] = function(left[i, j], right[i, j]);
        }

        return result;
    }

    public static double[,] Transpose(double[,] matrix)
    {
        var result = new double[matrix.GetLength(1), matrix.GetLength(0)];
        for (var i = 0; i < matrix.GetLength(0); i++)
        {
            for (var j = 0; j < matrix.GetLength(1); j++)
                result[j, i] = matrix[i, j];
        }

        return result;
    }

    public static double[,] Abs(double[,] matrix) => Map(matrix, Math.Abs);
}
