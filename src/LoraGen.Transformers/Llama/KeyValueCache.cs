using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Llama;

/// <summary>The keys and values of the tokens read so far, per layer, so that a decoding step computes one new token only.</summary>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private readonly (Tensor Keys, Tensor Values)?[] _layers = new (Tensor, Tensor)?[layers];

    /// <summary>Number of tokens read so far.</summary>
    public long Length => _layers[0]?.Keys.shape[2] ?? 0;

    /// <summary>Appends keys and values [batch, kvHeads, time, headDim] of one layer and returns all of them so far; the cache owns the result.</summary>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        var grown = _layers[layer] is { } old
            ? (cat([old.Keys, keys], dim: 2), cat([old.Values, values], dim: 2))
            : (keys.alias(), values.alias());
        Drop(layer);
        _layers[layer] = (grown.Item1.DetachFromDisposeScope(), grown.Item2.DetachFromDisposeScope());
        return grown;
    }

    private void Drop(int layer)
    {
        _layers[layer]?.Keys.Dispose();
        _layers[layer]?.Values.Dispose();
        _layers[layer] = null;
    }

    /// <summary>Frees the cached tensors.</summary>
    public void Dispose()
    {
        for (var layer = 0; layer < _layers.Length; layer++)
        {
            Drop(layer);
        }
    }
}
