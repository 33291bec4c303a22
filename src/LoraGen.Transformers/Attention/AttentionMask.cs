using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Attention;

/// <summary>Which keys a query may look at.</summary>
/// <param name="Additive">0 or minus infinity, [batch or 1, 1, time, time so far]; null where all keys may be seen, or <paramref name="IsCausal"/>.</param>
/// <param name="IsCausal">Whether the kernel's own causal mask is all that is needed.</param>
public readonly record struct AttentionMask(Tensor? Additive, bool IsCausal)
{
    /// <summary>A decoder's mask: a query sees itself and what came before, at most <paramref name="window"/> tokens with itself, and no padding.</summary>
    /// <param name="start">Tokens in the cache.</param>
    /// <param name="time">Tokens of this pass.</param>
    /// <param name="tokens">True for tokens and false for padding, [batch, start + time], or null.</param>
    /// <param name="window">Width of a sliding window, or null.</param>
    /// <param name="like">Gives dtype and device.</param>
    internal static AttentionMask Causal(long start, long time, Tensor? tokens, long? window, (ScalarType Dtype, Device Device) like)
    {
        var total = start + time;
        var needsWindow = window < total;
        if (tokens is null && !needsWindow && (start == 0 || time == 1))
        {
            return new(null, IsCausal: time > 1);
        }

        using var scope = NewDisposeScope();
        var queries = arange(start, total, device: like.Device).unsqueeze(1);
        var keys = arange(total, device: like.Device).unsqueeze(0);
        var seen = keys <= queries;
        if (needsWindow)
        {
            seen = seen & (keys > queries - window!.Value);
        }

        if (tokens is not null)
        {
            // A query of padding sees itself at least: a softmax over nothing is NaN, which no later mask undoes.
            seen = (seen & tokens.unsqueeze(1)) | (keys == queries);
        }

        seen = seen.dim() == 2 ? seen.unsqueeze(0) : seen;
        return new(Additivise(seen.unsqueeze(1), like).MoveToOuterDisposeScope(), IsCausal: false);
    }

    /// <summary>An encoder's mask: every token sees every token, and no padding.</summary>
    /// <param name="tokens">True for tokens and false for padding, [batch, time], or null.</param>
    /// <param name="like">Gives dtype and device.</param>
    internal static AttentionMask Bidirectional(Tensor? tokens, (ScalarType Dtype, Device Device) like)
    {
        if (tokens is null)
        {
            return default;
        }

        using var scope = NewDisposeScope();
        return new(Additivise(tokens.unsqueeze(1).unsqueeze(1), like).MoveToOuterDisposeScope(), IsCausal: false);
    }

    private static Tensor Additivise(Tensor seen, (ScalarType Dtype, Device Device) like)
        => zeros(seen.shape, like.Dtype, like.Device).masked_fill_(seen.logical_not(), double.NegativeInfinity);
}
