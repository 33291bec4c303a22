using static TorchSharp.torch;

namespace LoraGen.Combining;

/// <summary>A low-rank update as B A alone, with any scale inside it, in float64.</summary>
/// <param name="A">[r, in]</param>
/// <param name="B">[out, r]</param>
internal sealed record ScaledFactors(Tensor A, Tensor B)
{
    public int Rank => (int)A.shape[0];

    /// <summary>The sum of the products, exactly: [B1 B2 ...] [A1; A2; ...].</summary>
    public static ScaledFactors Sum(IEnumerable<ScaledFactors> terms)
        => new(cat([.. terms.Select(term => term.A)], 0), cat([.. terms.Select(term => term.B)], 1));

    /// <summary>The norm of B A, without its out * in values: rotations do not change it, so the triangles of two QRs have it.</summary>
    public double Norm()
    {
        using var scope = NewDisposeScope();
        var (left, right) = (linalg.qr(B).R, linalg.qr(A.t()).R);
        return left.mm(right.t()).norm().item<double>();
    }

    /// <summary>The norm of the difference to another product.</summary>
    public double DistanceTo(ScaledFactors other) => Sum([this, new ScaledFactors(other.A, -other.B)]).Norm();

    public ScaledFactors MoveToOuterDisposeScope() => new(A.MoveToOuterDisposeScope(), B.MoveToOuterDisposeScope());
}
