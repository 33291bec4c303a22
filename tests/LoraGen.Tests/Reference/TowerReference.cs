using LoraGen.Tests.Models;
using TorchSharp;

namespace LoraGen.Tests.Reference;

/// <summary>The arithmetic of <see cref="Tower"/> in float64 and in plain loops, from the values in a base and an adapter.</summary>
internal sealed class TowerReference
{
    private readonly Dictionary<string, double[]> _base;
    private readonly Dictionary<string, LoraScale> _scales;
    private readonly Dictionary<string, double[]> _adapter = [];
    private readonly int _floors;

    /// <param name="model">Where W and b are taken from.</param>
    /// <param name="adapter">Where A and B are taken from; null for the base alone.</param>
    /// <param name="floors">The number of floors.</param>
    public TowerReference(Tower model, Tower.Adapter? adapter, int floors = 2)
    {
        _floors = floors;
        _base = model.state_dict().ToDictionary(item => item.Key, item => Values.Flat(item.Value));
        _scales = (adapter?.Updates ?? []).ToDictionary(update => update.Path, update => update.Scale);
        foreach (var update in adapter?.Updates ?? [])
        {
            _adapter[$"{update.Path}.A"] = Values.Flat(update.A);
            _adapter[$"{update.Path}.B"] = Values.Flat(update.B);
        }
    }

    /// <summary>A and B by the path of their projection and ".A" or ".B"; changing a value changes the function.</summary>
    public IReadOnlyDictionary<string, double[]> Adapter => _adapter;

    public double[] Forward(double[] x)
    {
        for (var floor = 0; floor < _floors; floor++)
        {
            foreach (var room in new[] { "entrance", "h.0", "h.1" })
                x = Room($"floors.{floor}.{room}", x);
        }

        return Project("lm_head", Project("mix", x));
    }

    private double[] Room(string path, double[] x)
    {
        var inner = Project($"{path}.up", x).Select(Math.Tanh).ToArray();
        return [.. Project($"{path}.down", inner).Zip(x, (change, before) => before + change)];
    }

    private double[] Project(string path, double[] x)
    {
        var y = Times(_base[$"{path}.weight"], x);
        if (_base.TryGetValue($"{path}.bias", out var bias))
            y = [.. y.Zip(bias, (sum, b) => sum + b)];
        if (!_scales.TryGetValue(path, out var scale))
            return y;
        var factor = scale.Alpha / (scale.UseRslora ? Math.Sqrt(scale.Rank) : scale.Rank);
        return [.. y.Zip(Times(_adapter[$"{path}.B"], Times(_adapter[$"{path}.A"], x)), (sum, update) => sum + factor * update)];
    }

    private static double[] Times(double[] matrix, double[] x)
    {
        var result = new double[matrix.Length / x.Length];
        for (var row = 0; row < result.Length; row++)
        {
            for (var column = 0; column < x.Length; column++)
                result[row] += matrix[row * x.Length + column] * x[column];
        }

        return result;
    }
}
