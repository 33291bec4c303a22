using System.Runtime.InteropServices;
using LoraGen.Merging;
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
/// <remarks>
/// In evaluation mode (<c>adapter.eval()</c>) calls under <c>no_grad</c> keep copies of A and B in the dtype of x instead of casting them
/// anew each time, unless A or B holds a gradient that an optimizer could still step by. The copies go with a call that records
/// gradients, <c>train()</c>, <c>to</c>, <c>state_dict</c> and <c>load_state_dict</c>, and with the adapter. Nothing else tells the update
/// that values have changed: call <c>adapter.train()</c> before you write into A or B by hand. In training mode, in which every adapter
/// is made, nothing is kept.
/// <para>Calls from several threads at once are safe; whatever changes an adapter is not safe beside them.</para>
/// </remarks>
public sealed class LowRankUpdate : Module
{
    [ComponentName(Name = "lora_A.weight")]
    private readonly Parameter? _a;

    [ComponentName(Name = "lora_B.weight")]
    private readonly Parameter? _b;

    private readonly Lock _keeping = new();
    private (Tensor A, Tensor B)? _kept;

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
    /// The down-projection [r, in], fp32 (PEFT: <c>lora_A.weight</c>). Write into it in training mode only: in evaluation mode a copy may
    /// stand in for it.
    /// </summary>
    /// <exception cref="LoraException">The projection is not targeted.</exception>
    public Parameter A => _a ?? throw NotTargeted();

    /// <summary>The up-projection [out, r], fp32 (PEFT: <c>lora_B.weight</c>). Write into it in training mode only, like <see cref="A"/>.</summary>
    /// <exception cref="LoraException">The projection is not targeted.</exception>
    public Parameter B => _b ?? throw NotTargeted();

    /// <summary>The base's result, plus the update where there is one. Generated code calls it; it never forms B A.</summary>
    /// <param name="projection">The base's projection, weight [out, in].</param>
    /// <param name="update">The update, or null for the base alone.</param>
    /// <param name="x">[..., in]</param>
    /// <returns>[..., out], in the dtype of x.</returns>
    /// <exception cref="LoraException">
    /// The update was disposed or the base moved to another device while it was active, or the weight came to carry a merged adapter
    /// through another model that shares it.
    /// </exception>
    public static Tensor Forward(Linear projection, LowRankUpdate? update, Tensor x)
        => update is { IsTargeted: true } ? update.AddTo(projection, x) : projection.call(x);

    private Tensor AddTo(Linear projection, Tensor x)
    {
        RequireAlive();
        MergedWeights.RequireNone(Path, projection);
        try
        {
            return Sum(projection, x);
        }
        catch (ExternalException)
        {
            RequireBeside(Path, projection.weight); // Looked at only now, since it costs as much as a small product.
            throw;
        }
    }

    private Tensor Sum(Linear projection, Tensor x)
    {
        using var scope = NewDisposeScope();
        var rows = x.reshape(-1, x.shape[^1]);
        var result = projection.call(rows);
        var (a, b) = Factors(x.dtype);

        // Down to rank r first: r (in + out) multiplications a row instead of in * out. One addmm then adds the update in place.
        var reduced = functional.linear(functional.dropout(rows, Dropout, projection.training && Dropout > 0), a);
        var alpha = (float)Scale.Factor;
        if (x.dtype == ScalarType.Float64)
        {
            (reduced, alpha) = (reduced.mul(Scale.Factor), 1); // addmm_ would round a scale such as 16 / sqrt(3) to fp32.
        }

        result.addmm_(reduced, b.t(), alpha: alpha);
        return result.view([.. x.shape[..^1], result.shape[1]]).MoveToOuterDisposeScope();
    }

    private (Tensor A, Tensor B) Factors(ScalarType dtype)
    {
        if (dtype == A.dtype)
        {
            if (_kept is not null && MayStep())
            {
                DropKept(); // They are of a base in another dtype.
            }

            return (A, B);
        }

        if (training || MayStep())
        {
            DropKept();
            return (A.to_type(dtype), B.to_type(dtype));
        }

        lock (_keeping)
        {
            if (_kept is not { } kept || kept.A.dtype != dtype)
            {
                DropKept();
                _kept = kept = (A.to_type(dtype).DetachFromDisposeScope(), B.to_type(dtype).DetachFromDisposeScope());
            }

            return kept;
        }
    }

    // An optimizer changes what holds a gradient, which a call that records gradients leads to.
    private bool MayStep()
    {
        return is_grad_enabled() || HoldsGradient(A) || HoldsGradient(B);

        static bool HoldsGradient(Parameter parameter)
        {
            using var gradient = parameter.grad;
            return gradient is not null;
        }
    }

    private void DropKept()
    {
        lock (_keeping)
        {
            _kept?.A.Dispose();
            _kept?.B.Dispose();
            _kept = null;
        }
    }

    /// <inheritdoc/>
    public override void train(bool train = true)
    {
        DropKept();
        base.train(train);
    }

    /// <summary>A and B themselves, for <c>load_state_dict</c> above all, which writes into what this hands out.</summary>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
    {
        DropKept();
        return base.state_dict(destination, prefix);
    }

    /// <inheritdoc/>
    protected override void _toEpilog(ScalarType? dtype, Device? device, bool non_blocking)
    {
        DropKept();
        base._toEpilog(dtype, device, non_blocking);
    }

    /// <summary>(alpha / r) B A [out, in]: what <see cref="ILoraModel{TAdapter}.Merge"/> adds to the weight.</summary>
    /// <param name="dtype">What to compute in and to return.</param>
    /// <exception cref="LoraException">The adapter was disposed, or the projection is not targeted.</exception>
    public Tensor Delta(ScalarType dtype = ScalarType.Float32)
    {
        RequireAlive();
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        return B.to_type(dtype).mm(A.to_type(dtype)).mul_(Scale.Factor).MoveToOuterDisposeScope();
    }

    internal void RequireAlive()
    {
        if (IsTargeted && A.IsInvalid)
        {
            throw new LoraException($"{Path}: the adapter was disposed. Set ActiveAdapter to null or to another adapter before disposing the active one.");
        }
    }

    internal void RequireBeside(string path, Tensor weight)
    {
        if (weight.device_type != A.device_type || weight.device_index != A.device_index)
        {
            throw new LoraException($"{path}: expected the adapter on the base's device {weight.device}, found it on {A.device}; move it with adapter.to(device).");
        }
    }

    private LoraException NotTargeted() => new($"{Path}: this projection has no A and no B, since the LoraConfig's TargetModules leave it out.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            DropKept();
        }

        base.Dispose(disposing);
    }
}
