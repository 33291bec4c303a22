using static TorchSharp.torch;

namespace LoraGen.Tests.Reference;

/// <summary>A matrix [out, in] put together from singular values and vectors that are known, in float64.</summary>
internal sealed class KnownSpectrum(int outputs, int inputs)
{
    private readonly double[,] _left = Reflection(outputs, seed: 1);
    private readonly double[,] _right = Reflection(inputs, seed: 2);

    /// <summary>The singular values, each two thirds of the one before.</summary>
    public double[] Values { get; } = [.. Enumerable.Range(0, Math.Min(outputs, inputs)).Select(k => 3 * Math.Pow(2.0 / 3, k))];

    /// <summary>The sum of the first terms: the best approximation of that rank (Eckart and Young).</summary>
    public double[,] Truncated(int rank)
    {
        var result = new double[outputs, inputs];
        for (var o = 0; o < outputs; o++)
        {
            for (var i = 0; i < inputs; i++)
            {
                for (var k = 0; k < rank; k++)
                    result[o, i] += Values[k] * _left[o, k] * _right[i, k];
            }
        }

        return result;
    }

    /// <summary>Writes the whole matrix into a weight, transposed where the weight is [in, out].</summary>
    public void WriteTo(Tensor weight, bool transposed)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var all = tensor(Truncated(Values.Length));
        weight.copy_(transposed ? all.t() : all);
    }

    // I - 2 v v^T for a unit vector v: orthogonal, and known without a decomposition.
    private static double[,] Reflection(int size, int seed)
    {
        var random = new Random(seed);
        double[] v = [.. Enumerable.Range(0, size).Select(_ => random.NextDouble() - 0.5)];
        var square = v.Sum(value => value * value);
        var result = new double[size, size];
        for (var i = 0; i < size; i++)
        {
            for (var j = 0; j < size; j++)
                result[i, j] = (i == j ? 1 : 0) - (2 * v[i] * v[j] / square);
        }

        return result;
    }
}
