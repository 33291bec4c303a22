using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Reference;

/// <summary>A model's weights in float64, by their keys.</summary>
internal sealed class NaiveWeights
{
    private readonly Dictionary<string, double[]> _values;

    /// <param name="model">Where the values are taken from.</param>
    /// <param name="adapter">Added to the weights: s B A [out, in], transposed where the weight is a table or GPT-2's [in, out]; what it saved whole replaces them.</param>
    public NaiveWeights(nn.Module model, LoraAdapter? adapter = null)
    {
        _values = model.state_dict().ToDictionary(item => item.Key, item => Values.Flat(item.Value));
        foreach (var update in adapter?.Updates ?? [])
        {
            var (a, b, weight) = (Values.Matrix(update.A), Values.Matrix(update.B), this[$"{update.Path}.weight"]);
            var (rank, columns, rows, scale) = (a.GetLength(0), a.GetLength(1), b.GetLength(0), update.Scale.Alpha / update.Scale.Rank);
            var isTransposed = update is not LinearUpdate;
            for (var o = 0; o < rows; o++)
            {
                for (var i = 0; i < columns; i++)
                {
                    var place = isTransposed ? i * rows + o : o * columns + i;
                    for (var k = 0; k < rank; k++)
                        weight[place] += scale * b[o, k] * a[k, i];
                }
            }
        }

        foreach (var saved in adapter?.SavedProjections ?? [])
        {
            foreach (var (name, parameter) in saved.named_parameters())
                _values[$"{saved.Path}.{name}"] = Values.Flat(parameter);
        }
    }

    public double[] this[string key] => _values[key];

    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>A row of a table whose rows are this wide.</summary>
    public double[] Row(string key, int row, int width) => _values[key][(row * width)..((row + 1) * width)];

    public double[] Linear(string path, double[] x) => NaiveLayers.Linear(x, this[$"{path}.weight"], _values.GetValueOrDefault($"{path}.bias"));

    public double[] Conv1D(string path, double[] x) => NaiveLayers.Conv1D(x, this[$"{path}.weight"], this[$"{path}.bias"]);

    public double[] LayerNorm(string path, double[] x, double eps) => NaiveLayers.LayerNorm(x, this[$"{path}.weight"], this[$"{path}.bias"], eps);
}
