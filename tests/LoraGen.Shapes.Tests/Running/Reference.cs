using TorchSharp;

namespace LoraGen.Shapes.Tests.Running;

/// <summary>
/// One vector through a shape, in float64 and in plain loops, written from arXiv 2106.09685 section 4.1. W, b, A and B are found by their
/// keys; rank and alpha are what the shape's attributes say, told by the test.
/// </summary>
public sealed class Reference
{
    private readonly Dictionary<string, double[]> _base;
    private readonly Dictionary<string, double[]>? _adapter;
    private readonly string _prefix;

    /// <param name="model">Where W and b are taken from.</param>
    /// <param name="adapter">Where A and B are taken from; null for the base alone.</param>
    public Reference(torch.nn.Module model, torch.nn.Module? adapter)
        : this(ValuesOf(model), adapter is null ? null : ValuesOf(adapter), prefix: "")
    {
    }

    private Reference(Dictionary<string, double[]> ofBase, Dictionary<string, double[]>? ofAdapter, string prefix)
        => (_base, _adapter, _prefix) = (ofBase, ofAdapter, prefix);

    /// <summary>The same for a child, whose paths start below it.</summary>
    public Reference Child(string path) => new(_base, _adapter, $"{_prefix}{path}.");

    /// <summary>A projection that is not annotated: W x + b.</summary>
    public double[] Plain(string path, double[] x)
    {
        var product = Times(_base[$"{_prefix}{path}.weight"], x);
        return _base.TryGetValue($"{_prefix}{path}.bias", out var bias) ? Sum(product, bias) : product;
    }

    /// <summary>A target: W0 x + b + (alpha / r) B A x.</summary>
    public double[] Target(string path, double[] x, int rank = 8, double alpha = 8)
        => _adapter is null ? Plain(path, x) : Sum(Plain(path, x), Update(path, x, rank, alpha));

    /// <summary>A target that is GPT-2's Conv1D, whose weight lies the other way: x W0 + b + (alpha / r) B A x.</summary>
    public double[] Conv1DTarget(string path, double[] x, int rank, double alpha)
        => _adapter is null ? Conv1D(path, x) : Sum(Conv1D(path, x), Update(path, x, rank, alpha));

    /// <summary>The bias of a target's B, added to what the target gives without it: (alpha / r) b.</summary>
    public double[] WithBiasOfB(string path, double[] result, int rank, double alpha)
        => _adapter is null ? result : Sum(result, [.. _adapter[$"{_prefix}{path}.lora_B.bias"].Select(value => alpha / rank * value)]);

    /// <summary>Slices of a fused target: each that is trained has an A, a B and an update of its own.</summary>
    public double[] SlicedTarget(string path, double[] x, bool isConv1D, int slices, int[] trained, int rank, double alpha)
    {
        var result = isConv1D ? Conv1D(path, x) : Plain(path, x);
        if (_adapter is null)
        {
            return result;
        }

        var (a, b, width) = (_adapter[$"{_prefix}{path}.lora_A.weight"], _adapter[$"{_prefix}{path}.lora_B.weight"], result.Length / slices);
        for (var i = 0; i < trained.Length; i++)
        {
            var reduced = Times(a[(i * rank * x.Length)..((i + 1) * rank * x.Length)], x);
            var update = Times(b[(i * width * rank)..((i + 1) * width * rank)], reduced);
            for (var o = 0; o < width; o++)
            {
                result[(trained[i] * width) + o] += alpha / rank * update[o];
            }
        }

        return result;
    }

    /// <summary>A target with DoRA: (m / ||V||) V x + b with V = W0 + (alpha / r) B A, by rows (arXiv 2402.09353).</summary>
    public double[] DoraTarget(string path, double[] x, int rank, double alpha)
    {
        var result = Plain(path, x);
        if (_adapter is null)
        {
            return result;
        }

        var (weight, a, b) = (_base[$"{_prefix}{path}.weight"], _adapter[$"{_prefix}{path}.lora_A.weight"], _adapter[$"{_prefix}{path}.lora_B.weight"]);
        for (var o = 0; o < result.Length; o++)
        {
            double[] v = [.. Enumerable.Range(0, x.Length).Select(i => weight[(o * x.Length) + i]
                + (alpha / rank * Enumerable.Range(0, rank).Sum(k => b[(o * rank) + k] * a[(k * x.Length) + i])))];
            var ratio = _adapter[$"{_prefix}{path}.lora_magnitude_vector"][o] / Math.Sqrt(v.Sum(value => value * value));
            result[o] = (ratio * v.Zip(x, (left, right) => left * right).Sum())
                + (_base.TryGetValue($"{_prefix}{path}.bias", out var bias) ? bias[o] : 0);
        }

        return result;
    }

    /// <summary>A projection that the adapter saves whole: W x + b, with the adapter's own W and b where there is one.</summary>
    public double[] SavedTarget(string path, double[] x)
        => _adapter is null ? Plain(path, x) : Sum(Times(_adapter[$"{_prefix}{path}.weight"], x), _adapter[$"{_prefix}{path}.bias"]);

    private double[] Conv1D(string path, double[] x)
    {
        var weight = _base[$"{_prefix}{path}.weight"];
        var result = _base[$"{_prefix}{path}.bias"].ToArray();
        for (var column = 0; column < result.Length; column++)
        {
            for (var row = 0; row < x.Length; row++)
            {
                result[column] += x[row] * weight[(row * result.Length) + column];
            }
        }

        return result;
    }

    /// <summary>A target that is an embedding: row id of W0 + (alpha / r) (B A)^T, B A being [embedding_dim, ids].</summary>
    public double[] EmbeddingTarget(string path, int id, int ids, int rank, double alpha)
    {
        var weight = _base[$"{_prefix}{path}.weight"];
        var row = weight[(id * weight.Length / ids)..((id + 1) * weight.Length / ids)];
        if (_adapter is null)
        {
            return row;
        }

        var (a, b) = (_adapter[$"{_prefix}{path}.lora_embedding_A"], _adapter[$"{_prefix}{path}.lora_embedding_B"]);
        double[] columnOfA = [.. Enumerable.Range(0, rank).Select(k => a[(k * ids) + id])];
        return Sum(row, [.. Times(b, columnOfA).Select(value => alpha / rank * value)]);
    }

    /// <summary>The child that most shapes have, <see cref="Sample.Block"/>: x + up(x).</summary>
    public double[] Block(string path, double[] x) => Sum(x, Target($"{path}.up", x, rank: 2, alpha: 6));

    /// <summary>The layer normalisation that torch.nn.LayerNorm describes, over the whole vector.</summary>
    public double[] LayerNorm(string path, double[] x)
    {
        var mean = x.Average();
        var variance = x.Average(value => (value - mean) * (value - mean));
        return [.. x.Select((value, i) => (value - mean) / Math.Sqrt(variance + 1e-5) * _base[$"{_prefix}{path}.weight"][i] + _base[$"{_prefix}{path}.bias"][i])];
    }

    public static double[] Sum(double[] x, double[] y)
    {
        Assert.Equal(x.Length, y.Length);
        return [.. x.Zip(y, (a, b) => a + b)];
    }

    public static double[] Square(double[] x) => [.. x.Select(value => value * value)];

    private double[] Update(string path, double[] x, int rank, double alpha)
    {
        var reduced = Times(_adapter![$"{_prefix}{path}.lora_A.weight"], x);
        Assert.Equal(rank, reduced.Length);
        return [.. Times(_adapter[$"{_prefix}{path}.lora_B.weight"], reduced).Select(value => alpha / rank * value)];
    }

    // The matrix lies row by row.
    private static double[] Times(double[] matrix, double[] x)
    {
        var result = new double[matrix.Length / x.Length];
        for (var row = 0; row < result.Length; row++)
        {
            for (var column = 0; column < x.Length; column++)
            {
                result[row] += matrix[(row * x.Length) + column] * x[column];
            }
        }

        return result;
    }

    private static Dictionary<string, double[]> ValuesOf(torch.nn.Module module)
        => module.state_dict().ToDictionary(item => item.Key, item => item.Value.detach().to_type(torch.ScalarType.Float64).data<double>().ToArray());
}
