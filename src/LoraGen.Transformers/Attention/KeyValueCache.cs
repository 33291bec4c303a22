using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Attention;

/// <summary>
/// The keys and values of the tokens read so far, per layer, so that a decoding step computes one new token only. Room for all tokens is
/// taken once, when the first are read: nothing grows, and nothing is copied again.
/// </summary>
/// <param name="layers">Number of decoder layers.</param>
/// <param name="capacity">The most tokens that a row can hold, prompt and continuation together.</param>
public sealed class KeyValueCache(int layers, long capacity) : IDisposable
{
    private readonly (Tensor Keys, Tensor Values)?[] _layers = new (Tensor, Tensor)?[layers];

    /// <summary>Number of tokens read so far.</summary>
    public long Length { get; private set; }

    /// <summary>The most tokens that a row can hold.</summary>
    public long Capacity => capacity;

    /// <summary>Keeps the keys and values [batch, kvHeads, time, headDim] of one layer and returns all of them so far, which the cache owns.</summary>
    /// <exception cref="LoraException">There is no room for them.</exception>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        var time = keys.shape[2];
        if (Length + time > capacity)
        {
            throw new LoraException($"The key-value cache has room for {capacity} tokens; expected at most {capacity - Length} more, found {time}.");
        }

        var (allKeys, allValues) = _layers[layer] ??= (RoomFor(keys), RoomFor(values));
        using (no_grad())
        {
            allKeys.narrow(2, Length, time).copy_(keys);
            allValues.narrow(2, Length, time).copy_(values);
        }

        return (allKeys.narrow(2, 0, Length + time), allValues.narrow(2, 0, Length + time));
    }

    /// <summary>Counts the tokens that every layer has now appended.</summary>
    internal void Advance(long time) => Length += time;

    /// <summary>Makes row i what row <paramref name="rows"/>[i] was, as beam search needs it.</summary>
    /// <param name="rows">Row numbers, int64 [batch].</param>
    public void Reorder(Tensor rows)
    {
        using var inference = no_grad();
        foreach (var layer in _layers)
        {
            if (layer is var (keys, values))
            {
                using var scope = NewDisposeScope();
                keys.narrow(2, 0, Length).copy_(keys.narrow(2, 0, Length).index_select(0, rows));
                values.narrow(2, 0, Length).copy_(values.narrow(2, 0, Length).index_select(0, rows));
            }
        }
    }

    private Tensor RoomFor(Tensor some)
        => empty([some.shape[0], some.shape[1], capacity, some.shape[3]], some.dtype, some.device).DetachFromDisposeScope();

    /// <summary>Frees the cached tensors.</summary>
    public void Dispose()
    {
        for (var layer = 0; layer < _layers.Length; layer++)
        {
            _layers[layer]?.Keys.Dispose();
            _layers[layer]?.Values.Dispose();
            _layers[layer] = null;
        }

        Length = 0;
    }
}
