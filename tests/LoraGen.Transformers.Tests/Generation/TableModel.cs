using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Generation;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>
/// A decoder without layers: the logits after a token are a sum over it and all before, each by its row of a random table, the older the
/// less. Its cache holds the rows, so that a beam that is given another's cache shows.
/// </summary>
internal sealed class TableModel(int vocabulary, int seed, int positions = 4096) : ICausalLM
{
    private const double Fading = 0.6;

    private readonly float[,] _table = Random(vocabulary, seed);

    public int VocabSize => vocabulary;

    public int NumHiddenLayers => 1;

    public int MaxPositionEmbeddings => positions;

    public Device Device => CPU;

    /// <summary>Called with each pass of the model, on the thread that makes it.</summary>
    public Action? OnPass { get; set; }

    /// <summary>The same in float64, for one row without padding: the logits after its last token.</summary>
    public double[] Logits(IReadOnlyList<int> ids)
    {
        var result = new double[vocabulary];
        for (var t = 0; t < ids.Count; t++)
        {
            for (var v = 0; v < vocabulary; v++)
            {
                result[v] += _table[ids[t], v] * Math.Pow(Fading, ids.Count - 1 - t);
            }
        }

        return result;
    }

    public Tensor Hidden(Tensor ids, KeyValueCache? cache = null, Tensor? tokens = null)
    {
        OnPass?.Invoke();
        using var scope = NewDisposeScope();
        var start = cache?.Length ?? 0;
        var rows = tensor(_table).index_select(0, ids.reshape(-1)).reshape(ids.shape[0], 1, ids.shape[1], vocabulary);
        var all = rows;
        if (cache is not null)
        {
            (all, _) = cache.Append(0, rows, rows.narrow(3, 0, 1));
            cache.Advance(ids.shape[1]);
        }

        var total = all.shape[2];
        var distance = arange(start, total).unsqueeze(1) - arange(total).unsqueeze(0);
        var weights = tensor(Fading).pow(distance.clamp_min(0)) * (distance >= 0);
        var mask = tokens is null ? ones(ids.shape[0], 1, total) : tokens.unsqueeze(1).to_type(ScalarType.Float32);
        return (weights.to_type(ScalarType.Float32).unsqueeze(0) * mask).matmul(all.squeeze(1)).MoveToOuterDisposeScope();
    }

    Tensor ICausalLM.Logits(Tensor hidden) => hidden.alias();

    private static float[,] Random(int vocabulary, int seed)
    {
        var random = new Random(seed);
        var table = new float[vocabulary, vocabulary];
        for (var i = 0; i < vocabulary; i++)
        {
            for (var j = 0; j < vocabulary; j++)
            {
                table[i, j] = (float)(3 * random.NextDouble() - 1.5);
            }
        }

        return table;
    }
}
