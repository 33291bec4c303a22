using System.ComponentModel;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// Which slices of a fused projection, such as q and v of q, k, v, have an A and a B of their own (loralib: <c>MergedLinear</c>,
/// <c>enable_lora</c>). With n slices trained, A is [n r, in] and B [n out / count, r], each slice's part below the one before.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class FusedSlices
{
    /// <summary>Used by generated code.</summary>
    /// <param name="count">How many equal slices the output is made of.</param>
    /// <param name="trained">Those that are adapted, from 0.</param>
    public FusedSlices(int count, params int[] trained) => (Count, Trained) = (count, [.. trained.Order()]);

    internal int Count { get; }

    internal IReadOnlyList<int> Trained { get; }

    /// <summary>The length of the projection's output.</summary>
    internal long Outputs(Tensor b) => b.shape[0] / Trained.Count * Count;

    /// <summary>Adds alpha times each slice's product to its columns, in place.</summary>
    /// <param name="result">[rows, out]</param>
    /// <param name="reduced">[rows, n r]</param>
    /// <param name="b">[n out / count, r]</param>
    /// <param name="alpha">The scale.</param>
    internal Tensor AddProduct(Tensor result, Tensor reduced, Tensor b, float alpha)
    {
        var (width, rank) = (b.shape[0] / Trained.Count, b.shape[1]);
        for (var i = 0; i < Trained.Count; i++)
        {
            result.narrow(1, Trained[i] * width, width).addmm_(reduced.narrow(1, i * rank, rank), b.narrow(0, i * width, width).t(), alpha: alpha);
        }

        return result;
    }

    /// <summary>B of the one update of rank n r that PEFT can read, [out, n r]: each slice's part in its rows and columns, zeros elsewhere.</summary>
    internal Tensor Placed(Tensor b)
    {
        var placed = zeros(Outputs(b), b.shape[1] * Trained.Count, dtype: b.dtype, device: b.device);
        foreach (var (block, part) in Blocks(placed).Zip(b.chunk(Trained.Count, 0)))
        {
            block.copy_(part);
        }

        return placed;
    }

    /// <summary>The way back: the blocks of a B [out, n r], one below the other.</summary>
    internal Tensor Taken(Tensor placed) => cat([.. Blocks(placed)], 0);

    /// <summary>Whether a B [out, n r] is zero outside the blocks.</summary>
    internal bool AreAllOf(Tensor placed) => Placed(Taken(placed)).eq(placed).all().item<bool>();

    private IEnumerable<Tensor> Blocks(Tensor placed)
    {
        var (width, rank) = (placed.shape[0] / Count, placed.shape[1] / Trained.Count);
        return Trained.Select((slice, i) => placed.narrow(0, slice * width, width).narrow(1, i * rank, rank));
    }
}
