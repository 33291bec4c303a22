using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// LoftQ (arXiv 2310.08659, algorithm 1; PEFT: <c>loftq_init</c>): a quantised matrix Q and an A and a B such that Q + s B A is nearer to the
/// weight than Q is.
/// </summary>
public static class Loftq
{
    // PEFT's.
    internal const int DefaultBits = 4;
    internal const int DefaultIterations = 1;

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
    public static LoftqParts Decompose(Tensor weight, LoraScale scale, int bits = DefaultBits, int iterations = DefaultIterations)
    {
        ArgumentNullException.ThrowIfNull(weight);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        if (weight.dim() != 2 || !weight.is_floating_point() || !weight.isfinite().all().item<bool>())
        {
            throw new LoraException($"LoftQ: expected a finite floating-point matrix [out, in], found {weight.dtype} [{string.Join(", ", weight.shape)}]{(weight.dim() == 2 && weight.is_floating_point() ? " with NaN or infinity" : "")}.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(scale.Rank, 1, nameof(scale));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scale.Rank, weight.shape.Min(), nameof(scale));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale.Alpha, nameof(scale));
        if (!IsBits(bits))
        {
            throw new ArgumentOutOfRangeException(nameof(bits), bits, "Expected 2, 4 or 8.");
        }

        var wide = Wide(weight);
        var quantized = Quantized(wide, scale, bits, iterations);
        var (a, b) = Lost(wide, quantized, scale);
        return new LoftqParts(quantized.MoveToOuterDisposeScope(), a.MoveToOuterDisposeScope(), b.MoveToOuterDisposeScope());
    }

    /// <summary>Q alone, which the first time needs no decomposition.</summary>
    /// <param name="weight">[out, in], in fp32 or float64.</param>
    /// <param name="scale">The rank and the scale.</param>
    /// <param name="bits">2, 4 or 8.</param>
    /// <param name="iterations">At least 1.</param>
    internal static Tensor Quantized(Tensor weight, LoraScale scale, int bits, int iterations)
    {
        using var scope = NewDisposeScope();
        var quantized = NormalFloat.Rounded(weight, bits);
        for (var i = 1; i < iterations; i++)
        {
            var (a, b) = Lost(weight, quantized, scale);
            quantized = NormalFloat.Rounded(weight - b.mm(a).mul_(scale.Factor), bits);
        }

        return quantized.MoveToOuterDisposeScope();
    }

    internal static Tensor Wide(Tensor weight) => weight.to_type(weight.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);

    private static (Tensor A, Tensor B) Lost(Tensor weight, Tensor quantized, LoraScale scale) => Svd.Exact(weight - quantized).Factors(scale);

    internal static bool IsBits(int bits) => bits is 2 or 4 or 8;
}
