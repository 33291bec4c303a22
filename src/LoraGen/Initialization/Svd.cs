using static TorchSharp.torch;

namespace LoraGen;

/// <summary>The largest singular values of a matrix and their vectors, by which an adapter begins.</summary>
/// <param name="U">[rows, n]</param>
/// <param name="S">[n], the largest first.</param>
/// <param name="Vh">[n, columns]</param>
internal sealed record Svd(Tensor U, Tensor S, Tensor Vh)
{
    /// <summary>All of them.</summary>
    public static Svd Exact(Tensor matrix)
    {
        var (u, s, vh) = linalg.svd(matrix, fullMatrices: false);
        return new Svd(u, s, vh);
    }

    /// <summary>
    /// As many as asked for, or all there are, which are then exact: arXiv 0909.4061, algorithms 4.4 and 5.1, as torch.svd_lowrank, which takes
    /// no generator.
    /// </summary>
    /// <param name="matrix">In fp32 or float64.</param>
    /// <param name="count">How many.</param>
    /// <param name="iterations">Power iterations, at least 0.</param>
    /// <param name="generator">Source of the first vectors; null takes torch's global generator.</param>
    public static Svd Randomised(Tensor matrix, int count, int iterations, Generator? generator)
    {
        // Where the generator lives, so that a seed gives the same values on every device.
        var start = empty([matrix.shape[1], count], ScalarType.Float32, generator?.device ?? CPU).normal_(0, 1, generator);
        var basis = linalg.qr(matrix.mm(start.to_type(matrix.dtype).to(matrix.device))).Q;
        for (var i = 0; i < iterations; i++)
        {
            basis = linalg.qr(matrix.mm(linalg.qr(matrix.t().mm(basis)).Q)).Q;
        }

        var (u, s, vh) = linalg.svd(basis.t().mm(matrix), fullMatrices: false);
        return new Svd(basis.mm(u), s, vh);
    }

    /// <summary>A [r, in] and B [out, r], of which s B A is the best approximation of the scale's rank, each singular value's root on either side.</summary>
    public (Tensor A, Tensor B) Factors(LoraScale scale)
    {
        var root = S.narrow(0, 0, scale.Rank).div(scale.Factor).sqrt();
        return (root.unsqueeze(1) * Vh.narrow(0, 0, scale.Rank), U.narrow(1, 0, scale.Rank) * root);
    }
}
