using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

/// <summary>
/// The update of one projection: y = W0 x + b + s B A x with A [r, in], B [out, r] and s = alpha / r, or alpha / sqrt(r) with rank
/// stabilisation (arXiv 2106.09685, section 4.1; arXiv 2312.03732). A and B are fp32; the arithmetic is in the dtype of x.
/// </summary>
public sealed class LowRankUpdate : Module
{
    [ComponentName(Name = "lora_A.weight")]
    private readonly Parameter? _a;

    [ComponentName(Name = "lora_B.weight")]
    private readonly Parameter? _b;

    // A and B in the base's dtype, kept while they are frozen; what requires no gradient is stepped by no optimizer.
    private (Tensor A, Tensor B)? _frozen;

    internal LowRankUpdate(string path, Parameter? a, Parameter? b, LoraScale scale, double dropout)
        : base(nameof(LowRankUpdate))
    {
        (Path, _a, _b, Scale, Dropout) = (path, a, b, scale, dropout);
        RegisterComponents();
    }

    /// <summary>Where the projection lies below the model.</summary>
    public string Path { get; }

    /// <summary>Whether there is an A and a B at all; false where a <see cref="LoraConfig"/> left the projection out.</summary>
    public bool IsTargeted => _a is not null;

    /// <summary>Rank, alpha and the factor that follows from them.</summary>
    public LoraScale Scale { get; }

    /// <summary>Probability of dropping an input of A while the projection is in training mode (PEFT: <c>lora_dropout</c>).</summary>
    public double Dropout { get; }

    /// <summary>
    /// The down-projection [r, in], fp32 (PEFT: <c>lora_A.weight</c>). Where neither A nor B requires a gradient, copies of both in the
    /// base's dtype are kept from the first use on: values written into them by hand later are not seen. Make one of them require a
    /// gradient while you write.
    /// </summary>
    /// <exception cref="LoraException">The projection is not targeted.</exception>
    public Parameter A => _a ?? throw NotTargeted();

    /// <summary>The up-projection [out, r], fp32 (PEFT: <c>lora_B.weight</c>).</summary>
    /// <exception cref="LoraException">The projection is not targeted.</exception>
    public Parameter B => _b ?? throw NotTargeted();

    /// <summary>The base's result, plus the update where there is one. Generated code calls it; it never forms B A.</summary>
    /// <param name="projection">The base's projection, weight [out, in].</param>
    /// <param name="update">The update, or null for the base alone.</param>
    /// <param name="x">[..., in]</param>
    /// <returns>[..., out], in the dtype of x.</returns>
    /// <exception cref="LoraException">The update was disposed while it was active.</exception>
    public static Tensor Forward(Linear projection, LowRankUpdate? update, Tensor x)
        => update is { IsTargeted: true } ? update.AddTo(projection, x) : projection.call(x);

    private Tensor AddTo(Linear projection, Tensor x)
    {
        RequireAlive();
        using var scope = NewDisposeScope();
        var rows = x.reshape(-1, x.shape[^1]);
        var result = projection.call(rows);
        var (a, b) = Factors(x.dtype);

        // Down to rank r first: r (in + out) multiplications a row instead of in * out. One addmm then adds the update in place.
        var reduced = functional.linear(functional.dropout(rows, Dropout, projection.training && Dropout > 0), a);
        result.addmm_(reduced, b.t(), alpha: (float)Scale.Factor);
        return result.view([.. x.shape[..^1], result.shape[1]]).MoveToOuterDisposeScope();
    }

    private (Tensor A, Tensor B) Factors(ScalarType dtype)
    {
        if (dtype == A.dtype)
        {
            return (A, B);
        }

        if (A.requires_grad || B.requires_grad)
        {
            DropFrozen(); // A step may follow, and with it other values.
            return (A.to_type(dtype), B.to_type(dtype));
        }

        if (_frozen is not { } kept || kept.A.dtype != dtype || kept.A.device_type != A.device_type || kept.A.device_index != A.device_index)
        {
            DropFrozen();
            _frozen = kept = (A.to_type(dtype).DetachFromDisposeScope(), B.to_type(dtype).DetachFromDisposeScope());
        }

        return kept;
    }

    /// <summary>(alpha / r) B A [out, in], in fp32, or fp64 where A is: what <see cref="ILoraModel{TAdapter}.Merge"/> adds to the weight.</summary>
    public Tensor Delta()
    {
        RequireAlive();
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        return B.mm(A).mul_(Scale.Factor).MoveToOuterDisposeScope();
    }

    internal void RequireAlive()
    {
        if (IsTargeted && A.IsInvalid)
        {
            throw new LoraException($"{Path}: the adapter was disposed. Set ActiveAdapter to null or to another adapter before disposing the active one.");
        }
    }

    private LoraException NotTargeted() => new($"{Path}: this projection has no A and no B, since the LoraConfig's TargetModules leave it out.");

    private void DropFrozen()
    {
        _frozen?.A.Dispose();
        _frozen?.B.Dispose();
        _frozen = null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            DropFrozen();
        }

        base.Dispose(disposing);
    }
}
