using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>What the base of a <see cref="World"/> must hold, in plain arrays: its two projections, the first, a linear one, before the second, a convolution that sees all of its input at once.</summary>
internal sealed class TrackedBase
{
    public const int Width = 4;

    /// <summary>The projections' paths.</summary>
    public static readonly string[] Paths = ["fc", "inside.fc"];

    public TrackedBase(ScalarType dtype, Random random)
    {
        foreach (var path in Paths)
        {
            Values[$"{path}.weight"] = [.. Enumerable.Range(0, Width * Width).Select(_ => random.NextDouble() - 0.5)];
            Values[$"{path}.bias"] = [.. Enumerable.Range(0, Width).Select(_ => random.NextDouble() - 0.5)];
        }

        MoveTo(dtype);
    }

    public ScalarType Dtype { get; private set; }

    /// <summary>Every tensor of the base by its key, in row-major order.</summary>
    public Dictionary<string, double[]> Values { get; } = [];

    public void MoveTo(ScalarType dtype)
    {
        Dtype = dtype;
        foreach (var values in Values.Values)
        {
            for (var i = 0; i < values.Length; i++)
                values[i] = Rounding.Nearest(dtype, values[i]);
        }
    }

    public double[,] Weight(string path)
    {
        var weight = new double[Width, Width];
        Buffer.BlockCopy(Values[$"{path}.weight"], 0, weight, 0, Width * Width * sizeof(double));
        return weight;
    }

    public double[] Bias(string path) => Values[$"{path}.bias"];
}
