using LoraGen.Transformers.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Generation;

/// <summary>The rows of a batch, padded on the left so that all are at the same step, and what the model has read of them.</summary>
/// <param name="model">The model.</param>
/// <param name="prompts">Token ids, none empty.</param>
/// <param name="maxNewTokens">The most tokens that will be appended to a row.</param>
/// <param name="padId">What stands in the padding.</param>
/// <param name="useCache">Whether keys and values are kept, or the whole rows read anew for each token.</param>
internal sealed class DecodingSession(ICausalLM model, IReadOnlyList<IReadOnlyList<int>> prompts, int maxNewTokens, int padId, bool useCache) : IDisposable
{
    private readonly KeyValueCache? _cache = useCache ? new(model.NumHiddenLayers, prompts.Max(prompt => prompt.Count) + maxNewTokens) : null;
    private List<int>[] _rows = [.. prompts.Select(prompt => prompt.ToList())];

    /// <summary>The tokens of each row, the prompt's included, without padding.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Rows => _rows;

    /// <summary>The logits of each row's next token, float32 [batch, vocab], in the dispose scope around the call.</summary>
    public Tensor Next()
    {
        using var scope = NewDisposeScope();
        var (batch, start, end) = (_rows.Length, (int)(_cache?.Length ?? 0), _rows.Max(row => row.Count));
        var gaps = _rows.Select(row => end - row.Count).ToArray();
        var unread = new long[batch * (end - start)];
        for (var row = 0; row < batch; row++)
        {
            for (var t = start; t < end; t++)
            {
                unread[row * (end - start) + t - start] = t < gaps[row] ? padId : _rows[row][t - gaps[row]];
            }
        }

        // Without a mask the kernels take their fast way.
        var tokens = gaps.All(gap => gap == 0)
            ? null
            : tensor([.. gaps.SelectMany(gap => Enumerable.Range(0, end).Select(t => t >= gap))], [batch, end], device: model.Device);
        var last = model.Hidden(tensor(unread, [batch, end - start], device: model.Device), _cache, tokens).select(1, -1);
        return model.Logits(last).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Adds a token to each row.</summary>
    public void Append(IReadOnlyList<int> ids)
    {
        foreach (var (row, id) in _rows.Zip(ids))
        {
            row.Add(id);
        }
    }

    /// <summary>Makes row i what row <paramref name="rows"/>[i] was.</summary>
    public void Reorder(IReadOnlyList<int> rows)
    {
        _rows = [.. rows.Select(row => _rows[row].ToList())];
        if (_cache is not null)
        {
            using var index = tensor([.. rows.Select(row => (long)row)], device: model.Device);
            _cache.Reorder(index);
        }
    }

    public void Dispose() => _cache?.Dispose();
}
