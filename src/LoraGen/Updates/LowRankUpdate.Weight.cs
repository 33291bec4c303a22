using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

// What the update makes of the base's weight.
public abstract partial class LowRankUpdate
{
    private const string StartA = "lora_start_A";
    private const string StartB = "lora_start_B";

    /// <summary>
    /// Makes the A and B of now the ones at which the update is zero: s (B A - B0 A0). They came out of the base's weight, which PEFT takes
    /// them from; here the base stays as it is, and they are kept beside it (<c>lora_start_A</c>, <c>lora_start_B</c>).
    /// </summary>
    internal void KeepStart()
    {
        _start = (A.detach().clone().DetachFromDisposeScope(), B.detach().clone().DetachFromDisposeScope());
        register_buffer(StartA, _start.Value.A);
        register_buffer(StartB, _start.Value.B);
    }

    /// <summary>
    /// The plain update that this one is, as PEFT's files have it: [R, in] and [out, R] with R = r n for n slices, R = 2 r with a start.
    /// </summary>
    internal (Tensor A, Tensor B) Whole() => Slices is null ? SinceStart() : (A, Slices.Placed(B));

    /// <summary>The same as two matrices, whose product is what is added to the weight as <see cref="UpdateKind.AsMatrix"/> gives it.</summary>
    internal (Tensor A, Tensor B) Matrices() => Whole() is var (a, b) ? (a.flatten(1), b.flatten(1)) : default;

    /// <summary>Its rank and alpha, whose factor is the same.</summary>
    internal LoraScale WholeScale => Scale.Times(Slices?.Trained.Count ?? (_start is null ? 1 : 2));

    /// <summary>Checks that it is s B A and nothing else, of the whole projection.</summary>
    /// <exception cref="LoraException">It is not.</exception>
    internal void RequirePlain(string operation)
    {
        RequireProduct(operation);
        if (Slices is not null)
        {
            throw new LoraException($"{operation}: {Path}: expected an update that is s B A of the whole projection, found one of its slices.");
        }
    }

    /// <summary>Checks that it is s B A and nothing else, of the whole projection or of slices.</summary>
    /// <exception cref="LoraException">It is not.</exception>
    internal void RequireProduct(string operation)
    {
        if (BBias is not null)
        {
            throw new LoraException($"{operation}: {Path}: expected an update that is s B A, found one whose B has a bias (lora_bias).");
        }

        if (Magnitude is not null)
        {
            throw new LoraException($"{operation}: {Path}: expected an update that is s B A, found DoRA's, which scales the base's weight too, so that its change has no low rank. Merge one such adapter, or mix several by row.");
        }
    }

    /// <summary>Whether it is s B A and nothing else, of the whole projection.</summary>
    internal bool IsPlain => IsTargeted && Magnitude is null && Slices is null && BBias is null && !OwnsBias;

    /// <summary>Whether neither A nor B has NaN or infinity.</summary>
    internal bool IsFinite()
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        return (A.isfinite().all() & B.isfinite().all()).item<bool>();
    }

    /// <summary>The length of the projection's result.</summary>
    internal long Outputs => Slices?.Outputs(B) ?? B.shape[0];

    // B A - B0 A0 as one product in which nothing large cancels: [B - B0, B0] times [A; A - A0], zero to the last bit at the start.
    private (Tensor A, Tensor B) SinceStart() => _start is not var (a, b) ? (A, B) : (cat([A, A - a], 0), cat([B - b, b], 1));

    private Tensor Norm(Tensor weight) => Matrices() is var (a, b) ? Dora.Norm(Kind.AsMatrix(weight), a, b, Scale.Factor) : weight;

    // [out] to [out, 1...]
    private static Tensor PerRow(Tensor values, Tensor rows) => values.view([-1, .. Enumerable.Repeat(1L, (int)rows.dim() - 1)]);

    /// <summary>Gives DoRA's magnitude its start, at which m / ||V|| is 1 to the last bit.</summary>
    internal void InitialiseMagnitude(Module projection)
    {
        if (Magnitude is not null)
        {
            using var norm = Norm(ProjectionWeight.Of(projection));
            Magnitude.copy_(norm.view_as(Magnitude));
        }
    }

    /// <summary>Whether a merge changes the weight.</summary>
    internal bool ChangesWeight => IsTargeted || IsSaved || TokenRows is not null;

    /// <summary>
    /// The weight that computes what the base and the update compute together: W0 + s B A, with DoRA (m / ||V||) V; where the adapter owns the
    /// weight or rows of it, these.
    /// </summary>
    /// <param name="projection">The base's projection.</param>
    /// <param name="dtype">What to compute in and to return.</param>
    internal Tensor Merged(Module projection, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        if (!IsTargeted)
        {
            return Owned(projection, dtype).MoveToOuterDisposeScope();
        }

        var sum = Product(dtype) + ProjectionWeight.Of(projection);
        if (Magnitude is not null)
        {
            var ratio = MagnitudeRatio(projection);
            sum.mul_(Kind.IsTransposed ? ratio : PerRow(ratio, sum));
        }

        return sum.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// What <see cref="ILoraModel{TAdapter}.Merge"/> adds to the weight, in the weight's shape: (alpha / r) B A [out, in], of a
    /// convolution [out, in, kernel...], and of a <see cref="Conv1D"/> or an embedding (alpha / r) (B A)^T [in, out].
    /// </summary>
    /// <param name="dtype">What to compute in and to return.</param>
    /// <exception cref="LoraException">
    /// The adapter was disposed, the projection is not targeted, or the update is DoRA's, which depends on the base's weight.
    /// </exception>
    public Tensor Delta(ScalarType dtype = ScalarType.Float32) => Magnitude is null
        ? Product(dtype)
        : throw new LoraException($"{Path}: expected an update that is (alpha / r) B A alone, found DoRA, which scales the base's weight too. Merge the adapter, and compare the weights.");

    private Tensor Product(ScalarType dtype)
    {
        RequireAlive();
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var (a, b) = Matrices();
        var delta = b.to_type(dtype).mm(a.to_type(dtype)).mul_(Scale.Factor);
        return (Kind.IsTransposed ? delta.t() : delta.view([delta.shape[0], .. A.shape[1..]])).MoveToOuterDisposeScope();
    }
}
