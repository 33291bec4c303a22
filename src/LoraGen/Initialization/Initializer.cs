using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Gives A and B of a new adapter their values; formulas and constants are PEFT's (peft/tuners/lora/layer.py).</summary>
/// <param name="generator">Source of the random ones; null takes torch's global generator.</param>
/// <param name="config">The options of the starts.</param>
internal sealed class Initializer(Generator? generator, LoraConfig config)
{
    /// <summary>Whether A and B are taken out of the base's weight.</summary>
    public static bool TakesFromBase(LoraInit init) => init is LoraInit.Pissa or LoraInit.Olora or LoraInit.Loftq;

    /// <summary>Whether an embedding, or slices of a projection, can begin like that.</summary>
    public static bool IsForAll(LoraInit init) => init is LoraInit.Kaiming or LoraInit.Gaussian or LoraInit.Random;

    /// <summary>Checks that each option of a start is in its range, and that a projection begins so.</summary>
    /// <param name="source">What the config is called in messages.</param>
    /// <param name="config">The user's.</param>
    /// <param name="inits">Those of the adapted projections.</param>
    /// <exception cref="LoraException">It is not, or none does.</exception>
    public static void RequireOptions(string source, LoraConfig config, IReadOnlyCollection<LoraInit> inits)
    {
        Require(nameof(LoraConfig.PissaIterations), config.PissaIterations, value => value >= 0, "a number of at least 0", LoraInit.Pissa);
        Require(nameof(LoraConfig.LoftqBits), config.LoftqBits, Loftq.IsBits, "2, 4 or 8", LoraInit.Loftq);
        Require(nameof(LoraConfig.LoftqIterations), config.LoftqIterations, value => value >= 1, "a number of at least 1", LoraInit.Loftq);

        void Require(string option, int? value, Func<int, bool> isInRange, string expected, LoraInit init)
        {
            if (value is { } found && (!isInRange(found) || !inits.Contains(init)))
            {
                throw new LoraException($"{source}: {option}: expected {expected}, beside {nameof(LoraInit)}.{init}, found {found}{(isInRange(found) ? " without it, so that it would mean nothing" : "")}.");
            }
        }
    }

    /// <param name="update">Whose A and B are still zero.</param>
    /// <param name="projection">The base's projection.</param>
    /// <param name="init">One that fits the update's kind and rank.</param>
    public void Initialise(LowRankUpdate update, nn.Module projection, LoraInit init)
    {
        using var scope = NewDisposeScope();
        switch (init)
        {
            case LoraInit.Pissa:
                Take(update, Principal(WeightOf(update, projection), update.Scale.Rank).Factors(update.Scale));
                break;
            case LoraInit.Loftq:
                var start = Loftq.Decompose(WeightOf(update, projection), update.Scale, config.LoftqBits ?? Loftq.DefaultBits, config.LoftqIterations ?? Loftq.DefaultIterations);
                Take(update, (start.A, start.B));
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
        if (!(factors.A.any() | factors.B.any()).item<bool>())
        {
            throw new LoraException($"{update.Path}: expected a weight that something can be taken out of to begin with, found one of which A and B are all zero, so that neither would ever have a gradient: it is zero or, for {nameof(LoraInit.Loftq)}, quantised already. Take another {nameof(LoraConfig.Init)}, or leave it out with {nameof(LoraConfig.ExcludeModules)}.");
        }

        update.A.copy_(factors.A);
        update.B.copy_(factors.B);
        update.KeepStart();
    }

    private Svd Principal(Tensor weight, int rank)
        => config.PissaIterations is { } iterations ? Svd.Randomised(weight, rank, iterations, generator) : Svd.Exact(weight);

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
