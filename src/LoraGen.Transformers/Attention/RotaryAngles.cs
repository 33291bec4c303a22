using static TorchSharp.torch;

namespace LoraGen.Transformers.Attention;

/// <summary>Cosine and sine of every token's angles, [batch or 1, 1, time, headDim], the same for all layers and heads of a pass.</summary>
internal sealed record RotaryAngles(Tensor Cos, Tensor Sin)
{
    /// <summary>
    /// Turns x [batch, heads, time, headDim]. Hugging Face's layout: the first half of a head is the real part and the second half the
    /// imaginary part of headDim / 2 complex numbers.
    /// </summary>
    public Tensor Turn(Tensor x)
    {
        using var scope = NewDisposeScope();
        var halves = x.chunk(2, dim: -1);
        var rotated = cat([-halves[1], halves[0]], dim: -1);
        return (x * Cos + rotated * Sin).MoveToOuterDisposeScope();
    }
}
