using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Attention;

/// <summary>
/// Rotary position embedding. Not a Module and holding no registered tensor: the frequencies follow from the config, so they never belong
/// in a <c>state_dict</c>; they move to where they are asked for.
/// </summary>
internal sealed class RotaryEmbedding(RopeFrequencies frequencies) : IDisposable
{
    private readonly float _attentionFactor = (float)frequencies.AttentionFactor;
    private Tensor? _short;

    /// <summary>The longest sequence that can be read.</summary>
    public long MaxPositions { get; } = frequencies.MaxPositions;

    /// <summary>Cosine and sine for the positions of a pass.</summary>
    /// <param name="positions">int64 [batch or 1, time].</param>
    /// <param name="total">Tokens so far with those of this pass, padding too.</param>
    /// <param name="dtype">That of queries and keys.</param>
    public RotaryAngles At(Tensor positions, long total, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();

        // fp32: in bf16 the angles of late positions would be off by whole radians.
        var angles = positions.to_type(ScalarType.Float32).unsqueeze(-1) * Frequencies(LengthThatCounts(positions, total), positions.device); // [batch or 1, time, headDim / 2]
        var both = cat([angles, angles], dim: -1).unsqueeze(1);
        var (cos, sin) = (both.cos() * _attentionFactor, both.sin() * _attentionFactor);
        return new(cos.to_type(dtype).MoveToOuterDisposeScope(), sin.to_type(dtype).MoveToOuterDisposeScope());
    }

    // 0 as long as the frequencies are those of short sequences. Beyond, padding does not count, which the device has to be asked for.
    private long LengthThatCounts(Tensor positions, long total)
    {
        if (!(total > frequencies.ChangeAfter))
        {
            return 0;
        }

        var length = positions.max().item<long>() + 1;
        return length > frequencies.ChangeAfter ? length : 0;
    }

    private Tensor Frequencies(long length, Device device)
    {
        if (length > 0)
        {
            return Made(length);
        }

        if (_short is null || _short.device_type != device.type || _short.device_index != device.index)
        {
            Dispose();
            _short = Made(0).DetachFromDisposeScope();
        }

        return _short;

        Tensor Made(long length) => tensor(frequencies.At(length), ScalarType.Float32, device);
    }

    public void Dispose()
    {
        _short?.Dispose();
        _short = null;
    }
}
