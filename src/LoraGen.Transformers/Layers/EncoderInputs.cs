using static TorchSharp.torch;

namespace LoraGen.Transformers.Layers;

/// <summary>What the encoders check of their inputs, where libtorch would broadcast or name no input.</summary>
internal static class EncoderInputs
{
    /// <exception cref="LoraException">A mask or the token types have another shape or dtype than ids [batch, time] ask for, or there are more tokens than positions.</exception>
    public static void Check(Tensor ids, Tensor? tokens, Tensor? tokenTypes, int maxLength)
    {
        if (ids.dim() != 2)
        {
            throw new LoraException($"Token ids: expected [batch, time], found [{string.Join(", ", ids.shape)}].");
        }

        if (ids.shape[1] > maxLength)
        {
            throw new LoraException($"A sequence of {ids.shape[1]} tokens is longer than the {maxLength} that there are positions for: truncate it.");
        }

        RequireLike(ids, tokens, ScalarType.Bool, "The padding mask, true for tokens");
        RequireLike(ids, tokenTypes, ScalarType.Int64, "Token types");
    }

    private static void RequireLike(Tensor ids, Tensor? other, ScalarType dtype, string name)
    {
        if (other is not null && (other.dtype != dtype || !other.shape.SequenceEqual(ids.shape)))
        {
            throw new LoraException($"{name}: expected {dtype} [{string.Join(", ", ids.shape)}] like the ids, found {other.dtype} [{string.Join(", ", other.shape)}].");
        }
    }
}
