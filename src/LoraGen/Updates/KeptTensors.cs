using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>What a frozen update computes once and keeps between calls, for as long as it is asked for by the same key.</summary>
internal sealed class KeptTensors<TKey>
    where TKey : struct
{
    private readonly Lock _keeping = new();
    private (TKey Key, Tensor[] Tensors)? _kept;

    public bool Any => _kept is not null;

    /// <summary>Handles of the caller's own, which stay good if another thread, with another key, drops what is kept meanwhile.</summary>
    public Tensor[] Of(TKey key, Func<Tensor[]> make)
    {
        lock (_keeping)
        {
            if (_kept is not { } kept || !kept.Key.Equals(key))
            {
                Drop();
                using var recordable = inference_mode(false); // The next call may record the gradient of x.
                _kept = kept = (key, [.. make().Select(tensor => tensor.detach().DetachFromDisposeScope())]);
            }

            return [.. kept.Tensors.Select(tensor => tensor.alias())];
        }
    }

    public void Drop()
    {
        lock (_keeping)
        {
            foreach (var tensor in _kept?.Tensors ?? [])
            {
                tensor.Dispose();
            }

            _kept = null;
        }
    }
}
