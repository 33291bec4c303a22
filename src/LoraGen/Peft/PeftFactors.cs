using LoraGen.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>
/// A and B of an update as two matrices. The slices of loralib's MergedLinear become the blocks of one B: with n slices of rank r, A is
/// [n r, in] as it is, and B [out, n r] has slice i's B in its rows and in columns i r to (i + 1) r, and zeros elsewhere. So one plain
/// update of rank n r, with alpha n times as large, is the same.
/// </summary>
internal static class PeftFactors
{
    /// <summary>A [r, in] and B [out, r], flattened and placed, in the file's dtypes.</summary>
    /// <exception cref="LoraException">Nothing says which slices they are, or the slices do not fit.</exception>
    public static (Tensor A, Tensor B) Placed(PeftUpdate update, ITensorFile file, IReadOnlyList<bool>? enabled)
    {
        var (a, b) = Flat(update, file);
        return update.Blocks == 1 && !IsSliced(update, enabled) ? (a, b) : (a, Blocks(b, update, RowsOf(update, file, enabled)));
    }

    /// <summary>The same without the rows of zeros, which no norm needs.</summary>
    public static (Tensor A, Tensor B) Compact(PeftUpdate update, ITensorFile file)
    {
        var (a, b) = Flat(update, file);
        return update.Blocks == 1 ? (a, b) : (a, Blocks(b, update, Enumerable.Range(0, update.Blocks)));
    }

    /// <summary>Whether B's rows are those of some slices of a wider layer. With one of several enabled, only the caller knows.</summary>
    public static bool IsSliced(PeftUpdate update, IReadOnlyList<bool>? enabled)
        => update.Blocks > 1 || (enabled is { Count: > 1 } && enabled.Count(slice => slice) == 1);

    private static (Tensor A, Tensor B) Flat(PeftUpdate update, ITensorFile file)
    {
        var (a, b) = (file.Read(update.A.Key), file.Read(update.B.Key));
        return (a.view(a.shape[0], -1), b.view(b.shape[0], -1));
    }

    private static IEnumerable<int> RowsOf(PeftUpdate update, ITensorFile file, IReadOnlyList<bool>? enabled)
    {
        var place = $"{file.Path}: {Excerpt.Of(update.B.Key)}";
        return enabled is null
            ? throw new LoraException($"{place}: expected to be told which slices of the fused layer its {update.Blocks} blocks are, found no enable_lora. Open it with enableLora, such as [true, false, true] for q and v of q, k, v.")
            : enabled.Count(slice => slice) != update.Blocks
                ? throw new LoraException($"{place}: expected {enabled.Count(slice => slice)} blocks, as many as enable_lora enables, found {update.Blocks}.")
                : Enumerable.Range(0, enabled.Count).Select(slice => enabled[slice] ? enabled.Take(slice).Count(before => before) : -1);
    }

    /// <param name="b">[n * slice, r].</param>
    /// <param name="update">Whose B it is.</param>
    /// <param name="slices">For each slice of the result, the block that is there, or -1 for zeros.</param>
    private static Tensor Blocks(Tensor b, PeftUpdate update, IEnumerable<int> slices)
    {
        var (rows, rank) = (b.shape[0] / update.Blocks, (long)update.Rank);
        return cat([.. slices.Select(Slice)], dim: 0);

        Tensor Slice(int block)
        {
            var slice = zeros([rows, update.Blocks * rank], b.dtype);
            if (block >= 0)
            {
                slice.narrow(1, block * rank, rank).copy_(b.narrow(0, block * rows, rows));
            }

            return slice;
        }
    }
}
