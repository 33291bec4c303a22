using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// DoRA's decomposition of an adapted weight into magnitude and direction: V = W0 + s B A, W = m V / ||V||, with one m and one norm for
/// each output (arXiv 2402.09353, section 4; PEFT: <c>use_dora</c>).
/// </summary>
internal static class Dora
{
    /// <summary>PEFT's name of m below the projection's path.</summary>
    public const string Magnitude = "lora_magnitude_vector";

    // What of the weight is looked at in one go: the rest of it is never held in a second dtype.
    private const long ElementsAtOnce = 1 << 20;

    /// <summary>
    /// ||W0 + s B A|| over the inputs, by ||W0||^2 + 2 s (W0 A^T . B) + s^2 (B (A A^T) . B), summed over the row: neither B A nor anything
    /// else of the weight's size is formed. No gradient goes through it (section 4.3).
    /// </summary>
    /// <param name="weight">W0 [out, in], a view where the base stores [in, out].</param>
    /// <param name="a">[r, in]; computed in its dtype, or in float64 where the weight is.</param>
    /// <param name="b">[out, r]</param>
    /// <param name="scale">s</param>
    /// <returns>[out] in A's dtype, with 1 in place of 0, so that an output that is always 0 stays so.</returns>
    public static Tensor Norm(Tensor weight, Tensor a, Tensor b, double scale)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var dtype = weight.dtype == ScalarType.Float64 || a.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var (wideA, wideB) = (a.to_type(dtype), b.to_type(dtype));
        var ofUpdate = wideB.mm(wideA.mm(wideA.t())).mul_(wideB).sum(1).mul_(scale * scale);
        var atOnce = Math.Max(1, ElementsAtOnce / Math.Max(1, weight.shape[1]));
        var squares = cat([.. Starts(weight.shape[0], atOnce).Select(start => Squares(start, Math.Min(atOnce, weight.shape[0] - start)))]);
        var norm = squares.add_(ofUpdate).clamp_(min: 0).sqrt_().to_type(a.dtype);
        return norm.masked_fill_(norm.eq(0), 1).MoveToOuterDisposeScope();

        Tensor Squares(long start, long count)
        {
            using var rows = NewDisposeScope();
            var (w, ofB) = (weight.narrow(0, start, count).to_type(dtype), wideB.narrow(0, start, count));
            return w.square().sum(1).add_(w.mm(wideA.t()).mul_(ofB).sum(1), alpha: 2 * scale).MoveToOuterDisposeScope();
        }
    }

    private static IEnumerable<long> Starts(long end, long step)
    {
        for (var start = 0L; start < end; start += step)
        {
            yield return start;
        }
    }
}
