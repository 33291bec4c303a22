using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Llama;

/// <summary>
/// Rotary position embedding in Hugging Face's half-rotation layout. Not a Module and holding no registered tensor: the table follows
/// from the config, so it never belongs in a <c>state_dict</c>; it moves to the device and dtype of the queries it is asked to turn.
/// </summary>
internal sealed class RotaryEmbedding(int headDim, int maxPositions, double theta) : IDisposable
{
    private Tensor? _cos, _sin;

    /// <summary>Turns x [batch, heads, time, headDim] by the angles of its positions, int64 [batch or 1, time].</summary>
    public Tensor Rotate(Tensor x, Tensor positions)
    {
        EnsureTable(x);
        using var scope = NewDisposeScope();
        var cos = _cos![positions].unsqueeze(1); // [batch or 1, 1, time, headDim]
        var sin = _sin![positions].unsqueeze(1);
        var halves = x.chunk(2, dim: -1);
        var rotated = cat([-halves[1], halves[0]], dim: -1);
        return (x * cos + rotated * sin).MoveToOuterDisposeScope();
    }

    private void EnsureTable(Tensor like)
    {
        if (_cos is not null && _cos.dtype == like.dtype && _cos.device_type == like.device_type && _cos.device_index == like.device_index)
        {
            return;
        }

        Dispose();
        using var scope = NewDisposeScope();
        using var inference = no_grad();

        // fp32 first: in bf16 the angles of late positions would be off by whole radians.
        var frequencies = pow(theta, arange(0, headDim, 2, dtype: ScalarType.Float32).neg() / headDim);
        var angles = outer(arange(maxPositions, dtype: ScalarType.Float32), frequencies);
        var both = cat([angles, angles], dim: -1);
        _cos = both.cos().to(like.dtype).to(like.device).DetachFromDisposeScope();
        _sin = both.sin().to(like.dtype).to(like.device).DetachFromDisposeScope();
    }

    public void Dispose()
    {
        _cos?.Dispose();
        _sin?.Dispose();
        _cos = _sin = null;
    }
}
