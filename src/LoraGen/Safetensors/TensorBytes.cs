using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Safetensors;

internal static class TensorBytes
{
    // TorchSharp's byte span counts in int, so that a tensor over 2 GB must be seen in pieces.
    private const long PieceElements = 1 << 27;

    /// <summary>Flat views of a contiguous tensor, each small enough for a span; the caller disposes them.</summary>
    public static IEnumerable<Tensor> Pieces(Tensor tensor, long elements = PieceElements)
    {
        using var flat = tensor.view(-1);
        for (var start = 0L; start < flat.NumberOfElements; start += elements)
        {
            yield return flat.narrow(0, start, Math.Min(elements, flat.NumberOfElements - start));
        }
    }
}
