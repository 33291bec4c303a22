namespace LoraGen.Transformers.Tests.Reference;

/// <summary>What the naive models are made of: float64 and loops, written from the formulas, sharing no code with what they are held against.</summary>
internal static class NaiveLayers
{
    public static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    /// <summary>(x - mean) / sqrt(variance + eps) * gain + shift, with the biased variance.</summary>
    public static double[] LayerNorm(double[] x, double[] gain, double[] shift, double eps)
    {
        var mean = x.Average();
        var deviation = Math.Sqrt(x.Select(v => (v - mean) * (v - mean)).Average() + eps);
        return [.. x.Select((v, i) => (v - mean) / deviation * gain[i] + shift[i])];
    }

    /// <summary>W x + b with W [out, in].</summary>
    public static double[] Linear(double[] x, double[] weight, double[]? bias)
    {
        var result = new double[weight.Length / x.Length];
        for (var o = 0; o < result.Length; o++)
        {
            result[o] = bias?[o] ?? 0;
            for (var i = 0; i < x.Length; i++)
                result[o] += weight[o * x.Length + i] * x[i];
        }

        return result;
    }

    /// <summary>x W + b with W [in, out], GPT-2's layout.</summary>
    public static double[] Conv1D(double[] x, double[] weight, double[] bias)
    {
        var result = (double[])bias.Clone();
        for (var i = 0; i < x.Length; i++)
        {
            for (var o = 0; o < result.Length; o++)
                result[o] += x[i] * weight[i * result.Length + o];
        }

        return result;
    }

    /// <summary>Attention of several heads, from queries, keys and values [time][heads * headDim].</summary>
    /// <param name="queries">One per token.</param>
    /// <param name="keys">One per token.</param>
    /// <param name="values">One per token.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="scale">What a score is multiplied by.</param>
    /// <param name="sees">Whether a query's token sees a key's.</param>
    public static double[][] Attend(double[][] queries, double[][] keys, double[][] values, int heads, double scale, Func<int, int, bool> sees)
    {
        var (width, headDim) = (queries[0].Length, queries[0].Length / heads);
        var result = new double[queries.Length][];
        for (var t = 0; t < queries.Length; t++)
        {
            result[t] = new double[width];
            var seen = Enumerable.Range(0, keys.Length).Where(s => sees(t, s)).ToArray();
            for (var first = 0; first < width; first += headDim)
            {
                var scores = seen.Select(s => scale * Enumerable.Range(first, headDim).Sum(i => queries[t][i] * keys[s][i])).ToArray();
                var exponentials = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
                for (var n = 0; n < seen.Length; n++)
                {
                    for (var i = first; i < first + headDim; i++)
                        result[t][i] += exponentials[n] / exponentials.Sum() * values[seen[n]][i];
                }
            }
        }

        return result;
    }

    public static double[] Activate(string name, double[] x) => [.. x.Select(v => name switch
    {
        "gelu" => v / 2 * (1 + Erf(v / Math.Sqrt(2))),
        "gelu_new" or "gelu_fast" or "gelu_pytorch_tanh" => v / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))),
        "relu" => Math.Max(0, v),
        "silu" or "swish" => v / (1 + Math.Exp(-v)),
        "tanh" => Math.Tanh(v),
        _ => throw new ArgumentException(name),
    })];

    // 2 / sqrt(pi) exp(-x^2) sum over n of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)): all terms have one sign, so nothing cancels.
    private static double Erf(double x)
    {
        var (sum, term) = (0d, x);
        for (var n = 0; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            sum += term;
            term *= 2 * x * x / (2 * n + 3);
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
