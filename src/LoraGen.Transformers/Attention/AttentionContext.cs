using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Attention;

/// <summary>What one pass of a decoder shares between its layers. Its tensors belong to the dispose scope in which it is made.</summary>
/// <param name="Cache">Keys and values of earlier tokens, or null to read the whole sequence at once.</param>
/// <param name="Positions">Position of each token, int64 [batch or 1, time]; padding counts for nothing.</param>
/// <param name="Total">Tokens so far with those of this pass: the length of a row.</param>
/// <param name="Full">The mask of a layer that looks at everything before.</param>
/// <param name="Windowed">The mask of a layer with a sliding window; the same where the model has none.</param>
public sealed record AttentionContext(KeyValueCache? Cache, Tensor Positions, long Total, AttentionMask Full, AttentionMask Windowed)
{
    /// <summary>The angles by which queries and keys turn; null where positions are embedded otherwise.</summary>
    internal RotaryAngles? Rotary { get; init; }

    /// <summary>The context of a pass.</summary>
    /// <param name="ids">Token ids [batch, time].</param>
    /// <param name="cache">Keys and values of earlier tokens, or null.</param>
    /// <param name="tokens">True for tokens and false for padding, [batch, tokens so far + time], or null where nothing is padding.</param>
    /// <param name="dtype">Element type of the attention scores.</param>
    /// <param name="window">Width of the model's sliding window, or null.</param>
    /// <exception cref="LoraException"><paramref name="tokens"/> has another shape.</exception>
    internal static AttentionContext Of(Tensor ids, KeyValueCache? cache, Tensor? tokens, ScalarType dtype, long? window = null)
    {
        var (start, time) = (cache?.Length ?? 0, ids.shape[1]);
        var total = start + time;
        if (tokens is not null && (tokens.dtype != ScalarType.Bool || tokens.dim() != 2 || tokens.shape[0] != ids.shape[0] || tokens.shape[1] != total))
        {
            throw new LoraException($"The padding mask: expected a bool tensor [{ids.shape[0]}, {total}], true for tokens, found {tokens.dtype} [{string.Join(", ", tokens.shape)}].");
        }

        using var scope = NewDisposeScope();
        var positions = tokens is null
            ? arange(start, total, device: ids.device).unsqueeze(0)
            : (tokens.to_type(ScalarType.Int64).cumsum(1) - 1).clamp_min_(0).narrow(1, start, time);
        var full = AttentionMask.Causal(start, time, tokens, window: null, (dtype, ids.device));
        var windowed = window is null ? full : AttentionMask.Causal(start, time, tokens, window, (dtype, ids.device));
        _ = positions.MoveToOuterDisposeScope();
        _ = full.Additive?.MoveToOuterDisposeScope();
        _ = windowed.Additive?.MoveToOuterDisposeScope();
        return new(cache, positions, total, full, windowed);
    }
}
