using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Gives A and B of a new adapter their values; formulas and constants are PEFT's (peft/tuners/lora/layer.py).</summary>
/// <param name="generator">Source of the random ones; null takes torch's global generator.</param>
/// <param name="pissaIterations">Power iterations of the randomised decomposition; null takes the exact one.</param>
internal sealed class Initializer(Generator? generator, int? pissaIterations)
{
    /// <summary>Whether A and B are taken out of the base's weight.</summary>
    public static bool TakesFromBase(LoraInit init) => init is LoraInit.Pissa or LoraInit.Olora;

    /// <summary>Whether an embedding, or slices of a projection, can begin like that.</summary>
    public static bool IsForAll(LoraInit init) => init is LoraInit.Kaiming or LoraInit.Gaussian or LoraInit.Random;

    /// <param name="update">Whose A and B are still zero.</param>
    /// <param name="projection">The base's projection.</param>
    /// <param name="init">One that fits the update's kind and rank.</param>
    public void Initialise(LowRankUpdate update, nn.Module projection, LoraInit init)
    {
        using var scope = NewDisposeScope();
        switch (init)
        {
            case LoraInit.Pissa:
                Take(update, Principal(WeightOf(update, projection), update.Scale));
                break;
            case LoraInit.Olora:
                Take(update, Orthonormal(WeightOf(update, projection), update.Scale.Rank));
                break;
            case LoraInit.Orthogonal:
                DrawOrthogonal(update);
                break;
            default:
                Draw(update, init);
                break;
        }
    }

    private void Draw(LowRankUpdate update, LoraInit init)
    {
        var (a, b, rank) = (update.A, update.B, update.Scale.Rank);
        if (update.Kind == UpdateKind.Embedding)
        {
            // The other way round, so that an id which training never sees keeps the base's row.
            if (init == LoraInit.Random)
            {
                a.copy_(Normal(1, a.shape));
            }

            b.copy_(Normal(1, b.shape));
            return;
        }

        a.copy_(init == LoraInit.Gaussian ? Normal(1.0 / rank, a.shape) : Uniform(1 / Math.Sqrt(a.NumberOfElements / a.shape[0]), a.shape));
        if (init == LoraInit.Random)
        {
            b.copy_(Uniform(1 / Math.Sqrt(rank), b.shape));
            update.BBias?.copy_(Uniform(1 / Math.Sqrt(rank), update.BBias.shape));
        }
    }

    // Of an orthogonal matrix, A has the even rows and B the odd ones, so that nothing that leaves A reaches B.
    private void DrawOrthogonal(LowRankUpdate update)
    {
        var rank = update.Scale.Rank;
        var rows = linalg.qr(Normal(1, rank, rank)).Q.view(rank / 2, 2, rank);
        update.A.copy_(Normal(1, update.A.shape[1], rank / 2).mm(rows.select(1, 0)).t().div(10));
        update.B.copy_(Normal(1, rank / 2, update.B.shape[0]).t().mm(rows.select(1, 1)).div(10));
    }

    private static void Take(LowRankUpdate update, (Tensor A, Tensor B) factors)
    {
        update.A.copy_(factors.A);
        update.B.copy_(factors.B);
        update.KeepStart();
    }

    // s B A is the best approximation of rank r, each singular value's root on either side.
    private (Tensor A, Tensor B) Principal(Tensor weight, LoraScale scale)
    {
        var (u, values, vh) = pissaIterations is { } iterations ? Randomised(weight, scale.Rank, iterations) : linalg.svd(weight, fullMatrices: false);
        var root = values.narrow(0, 0, scale.Rank).div(scale.Factor).sqrt();
        return (root.unsqueeze(1) * vh.narrow(0, 0, scale.Rank), u.narrow(1, 0, scale.Rank) * root);
    }

    // arXiv 0909.4061, algorithms 4.4 and 5.1, as torch.svd_lowrank, which takes no generator.
    private (Tensor U, Tensor S, Tensor Vh) Randomised(Tensor weight, int rank, int iterations)
    {
        var basis = linalg.qr(weight.mm(Normal(1, weight.shape[1], rank).to_type(weight.dtype).to(weight.device))).Q;
        for (var i = 0; i < iterations; i++)
        {
            basis = linalg.qr(weight.mm(linalg.qr(weight.t().mm(basis)).Q)).Q;
        }

        var (u, values, vh) = linalg.svd(basis.t().mm(weight), fullMatrices: false);
        return (basis.mm(u), values, vh);
    }

    private static (Tensor A, Tensor B) Orthonormal(Tensor weight, int rank)
    {
        var (q, r) = linalg.qr(weight);
        return (r.narrow(0, 0, rank), q.narrow(1, 0, rank));
    }

    // [out, in], in fp32 or wider, for the decompositions know no half format.
    private static Tensor WeightOf(LowRankUpdate update, nn.Module projection)
    {
        var weight = ProjectionWeight.Of(projection).detach();
        if (!weight.isfinite().all().item<bool>())
        {
            throw new LoraException($"{update.Path}: expected a finite weight to begin with, found NaN or infinity. The base is broken.");
        }

        return update.Kind.AsMatrix(weight).to_type(weight.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
    }

    // Where the generator lives, so that a seed gives the same values on every device. TorchSharp 0.107's nn.init does not listen to its
    // generator.
    private Tensor Normal(double deviation, params long[] shape) => Empty(shape).normal_(0, deviation, generator);

    private Tensor Uniform(double bound, params long[] shape) => Empty(shape).uniform_(-bound, bound, generator);

    private Tensor Empty(long[] shape) => empty(shape, ScalarType.Float32, generator?.device ?? CPU);
}
