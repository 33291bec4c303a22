namespace LoraGen.Tests.Reference;

/// <summary>In which directions the rows of a matrix vary most about their mean, in float64, all of them at once.</summary>
internal sealed class PrincipalDirections
{
    private readonly double[,] _centred;

    public PrincipalDirections(double[,] rows)
    {
        var (count, width) = (rows.GetLength(0), rows.GetLength(1));
        _centred = (double[,])rows.Clone();
        for (var j = 0; j < width; j++)
        {
            var mean = Enumerable.Range(0, count).Average(i => rows[i, j]);
            for (var i = 0; i < count; i++)
                _centred[i, j] -= mean;
        }

        Values = JacobiSvd.Truncate(_centred, 0).Values;
        var total = _centred.Cast<double>().Sum(value => value * value);
        Shares = [.. Values.Select(value => value * value / total)];
    }

    /// <summary>The singular values of the rows less their mean.</summary>
    public double[] Values { get; }

    /// <summary>Of each direction the share of the variance.</summary>
    public double[] Shares { get; }

    /// <summary>The direction of a number, of length 1 and of either sign: what one more term of the decomposition adds is a multiple of it in each row.</summary>
    public double[] Direction(int number)
    {
        var term = Matrices.Zip(JacobiSvd.Truncate(_centred, number + 1).Approximation, JacobiSvd.Truncate(_centred, number).Approximation, (more, less) => more - less);
        var (count, width) = (term.GetLength(0), term.GetLength(1));
        var row = Enumerable.Range(0, count).MaxBy(i => Enumerable.Range(0, width).Sum(j => term[i, j] * term[i, j]));
        var norm = Math.Sqrt(Enumerable.Range(0, width).Sum(j => term[row, j] * term[row, j]));
        return [.. Enumerable.Range(0, width).Select(j => term[row, j] / norm)];
    }
}
