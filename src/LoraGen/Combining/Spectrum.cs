using static TorchSharp.torch;

namespace LoraGen.Combining;

/// <summary>The singular value decomposition U S V of an update, in float64.</summary>
/// <param name="U">[out, n], of which there may be fewer than of S.</param>
/// <param name="S">[k], the largest first.</param>
/// <param name="V">[n, in]</param>
internal sealed record Spectrum(Tensor U, Tensor S, Tensor V)
{
    /// <summary>
    /// That of B A without its out * in values: with B = Q R and A^T = P T it is that of R T^T, which is [r, r], between Q and P^T.
    /// </summary>
    public static Spectrum Of(ScaledFactors product)
    {
        using var scope = NewDisposeScope();
        var ((q, r), (p, t)) = (linalg.qr(product.B), linalg.qr(product.A.t()));
        var inner = Of(r.mm(t.t()));
        return new Spectrum(q.mm(inner.U), inner.S, inner.V.mm(p.t())).MoveToOuterDisposeScope();
    }

    /// <summary>That of a matrix [out, in].</summary>
    public static Spectrum Of(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        var (u, s, v) = linalg.svd(matrix, fullMatrices: false);
        return new Spectrum(u, s, v).MoveToOuterDisposeScope();
    }

    /// <summary>The same without the vectors that a rank has no use for.</summary>
    public Spectrum Limited(int rank)
    {
        var kept = Math.Min(rank, S.shape[0]);
        return new Spectrum(U.narrow(1, 0, kept).clone(), S, V.narrow(0, 0, kept).clone());
    }

    /// <summary>The best approximation of a rank, or of all there is: A = V, B = U S, as PEFT splits it.</summary>
    public ScaledFactors Truncated(int rank)
    {
        var (u, _, v) = Limited(rank);
        return new ScaledFactors(v, u * S.narrow(0, 0, v.shape[0]));
    }

    /// <summary>The norm of the values from a place on: of all from 0, and from a rank of what its best approximation lacks (Eckart and Young).</summary>
    public double NormFrom(int rank) => rank >= S.shape[0] ? 0 : S.narrow(0, rank, S.shape[0] - rank).norm().item<double>();

    public Spectrum MoveToOuterDisposeScope() => new(U.MoveToOuterDisposeScope(), S.MoveToOuterDisposeScope(), V.MoveToOuterDisposeScope());
}
