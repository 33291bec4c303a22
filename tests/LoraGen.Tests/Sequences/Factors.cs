using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>A [r, in] and B [out, r], or their gradients.</summary>
internal sealed record Factors(double[,] A, double[,] B)
{
    /// <summary>Random values that fp32 can hold.</summary>
    public static Factors Random(int rank, int seed)
    {
        var random = new Random(seed);
        return new Factors(Draw(rank, TrackedBase.Width), Draw(TrackedBase.Width, rank));

        double[,] Draw(int rows, int columns)
        {
            var values = new double[rows, columns];
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < columns; j++)
                    values[i, j] = (float)(random.NextDouble() - 0.5);
            }

            return values;
        }
    }

    /// <summary>The same with every number rounded to a format.</summary>
    public Factors RoundedTo(ScalarType dtype)
        => new(Matrices.Map(A, value => Rounding.Nearest(dtype, value)), Matrices.Map(B, value => Rounding.Nearest(dtype, value)));
}
