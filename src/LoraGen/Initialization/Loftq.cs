using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// LoftQ (arXiv 2310.08659, algorithm 1; PEFT: <c>loftq_init</c>): a quantised matrix Q and an A and a B such that Q + s B A is nearer to the
/// weight than Q is.
/// </summary>
public static class Loftq
{
    /// <summary>
    /// Quantises the weight, takes the best B A of what is lost, and goes on so with the weight less s B A. Quantised is to NF2, NF4 or NF8 in
    /// blocks of 64 values along the rows of [out, in].
    /// </summary>
    /// <remarks>Unlike PEFT, which leaves the scale out, s B A is what Q lacks: at any alpha the quantised base and the adapter begin together near the weight.</remarks>
    /// <param name="weight">[out, in], floating point of any dtype; of a <see cref="Conv1D"/> the transpose of its weight.</param>
    /// <param name="scale">The rank, at most that of the weight, and the scale s that the adapter will have.</param>
    /// <param name="bits">2, 4 or 8 (PEFT: <c>loftq_bits</c>).</param>
    /// <param name="iterations">How many times, at least 1 (PEFT: <c>loftq_iter</c>).</param>
    /// <returns>The last of each, in float64 where the weight is, else in fp32.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The bits, the iterations, the rank or the alpha are out of their range.</exception>
    /// <exception cref="LoraException">The weight is not a finite matrix.</exception>
    public static LoftqParts Decompose(Tensor weight, LoraScale scale, int bits = 4, int iterations = 1)
    {
        ArgumentNullException.ThrowIfNull(weight);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        if (weight.dim() != 2 || !weight.is_floating_point() || !weight.isfinite().all().item<bool>())
        {
            throw new LoraException($"LoftQ: expected a finite matrix [out, in], found {weight.dtype} [{string.Join(", ", weight.shape)}]{(weight.dim() == 2 ? " with NaN or infinity" : "")}.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(scale.Rank, 1, nameof(scale));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scale.Rank, weight.shape.Min(), nameof(scale));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale.Alpha, nameof(scale));
        if (!IsBits(bits))
        {
            throw new ArgumentOutOfRangeException(nameof(bits), bits, "Expected 2, 4 or 8.");
        }

        var wide = weight.to_type(weight.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
        var (quantized, (a, b)) = Step(wide);
        for (var i = 1; i < iterations; i++)
        {
            (quantized, (a, b)) = Step(wide - b.mm(a).mul_(scale.Factor));
        }

        return new LoftqParts(quantized.MoveToOuterDisposeScope(), a.MoveToOuterDisposeScope(), b.MoveToOuterDisposeScope());

        (Tensor Quantized, (Tensor A, Tensor B) Factors) Step(Tensor toQuantize)
        {
            var rounded = NormalFloat.Rounded(toQuantize, bits);
            return (rounded, Svd.Exact(wide - rounded).Factors(scale));
        }
    }

    internal static bool IsBits(int bits) => bits is 2 or 4 or 8;
}
