using System.Runtime.InteropServices;
using LoraGen.Merging;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

/// <summary>
/// The update of one projection: y = W0 x + b + s B A x with A [r, in], B [out, r] and s = alpha / r, or alpha / sqrt(r) with rank
/// stabilisation (arXiv 2106.09685, section 4.1; arXiv 2312.03732). A and B are fp32; the arithmetic is in the dtype of the base's
/// result. Each kind of projection has a class of its own: <see cref="LinearUpdate"/>, <see cref="Conv1DUpdate"/>,
/// <see cref="EmbeddingUpdate"/>. Instead of an update it may hold a weight and a bias that stand in for the base's: see <see cref="IsSaved"/>.
/// </summary>
/// <remarks>
/// An adapter that only serves need not be cast to the base's dtype at every call. Put it in evaluation mode and freeze it:
/// <code>
/// adapter.eval();
/// foreach (var parameter in adapter.parameters()) parameter.requires_grad = false;
/// </code>
/// Calls then keep copies of A and B (or of a saved weight and bias) in the base's dtype, as long as neither requires a gradient nor holds one: such an A and B no
/// optimizer steps. The copies go with the first call for which that no longer holds, with <c>train()</c>, <c>to</c>, <c>state_dict</c>
/// and <c>load_state_dict</c>, and with the adapter. Nothing else tells the update that values have changed: call <c>adapter.train()</c>
/// before you write into A or B by hand. An adapter is made in training mode and unfrozen, so that nothing is kept.
/// <para>
/// The adapter's own mode decides nothing else. Dropout follows the mode of the base's projection: <c>model.train()</c>, <c>model.eval()</c>.
/// </para>
/// <para>
/// With an update, a forward hook on the projection is given x as [rows, in], and ids as [rows]; the update is then added in place to
/// what the hook returns. A hook that keeps the base's own result must clone it.
/// </para>
/// <para>Calls from several threads at once are safe; whatever changes an adapter is not safe beside them.</para>
/// </remarks>
public abstract partial class LowRankUpdate : Module
{
    private readonly KeptTensors<ScalarType> _keptFactors = new();
    private readonly KeptTensors<(WeightMemory, ScalarType)> _keptRatio = new();
    private Parameter? _a;
    private Parameter? _b;
    private Parameter? _magnitude;

    private protected LowRankUpdate(UpdateParts parts, UpdateKind kind)
        : base(nameof(LowRankUpdate))
    {
        (Path, _a, _b, _magnitude, Scale, Dropout, Kind) = (parts.Path, parts.A, parts.B, parts.Magnitude, parts.Scale, parts.Dropout, kind);
        if (IsTargeted)
        {
            register_parameter(kind.A, A);
            register_parameter(kind.B, B);
        }

        if (_magnitude is not null)
        {
            register_parameter(Dora.Magnitude, _magnitude);
        }

        RegisterSaved(parts);
    }

    /// <summary>Does nothing: A and B are registered by the names that PEFT gives them in this kind of projection.</summary>
    protected sealed override void RegisterComponents()
    {
    }

    internal UpdateKind Kind { get; }

    /// <summary>Where the projection lies below the model.</summary>
    public string Path { get; }

    /// <summary>Whether there is an A and a B at all; false where a <see cref="LoraConfig"/> left the projection out.</summary>
    public bool IsTargeted => _a is not null;

    /// <summary>Rank, alpha and the factor that follows from them.</summary>
    public LoraScale Scale { get; }

    /// <summary>
    /// Probability of dropping an input of A while the base's projection is in training mode, whichever mode the adapter is in (PEFT:
    /// <c>lora_dropout</c>).
    /// </summary>
    public double Dropout { get; }

    /// <summary>
    /// The down-projection [r, in], fp32 (PEFT: <c>lora_A.weight</c>, of an embedding <c>lora_embedding_A</c>). Write into it in training mode only: once it is frozen and in evaluation
    /// mode, a copy may stand in for it.
    /// </summary>
    /// <exception cref="LoraException">The projection is not targeted.</exception>
    public Parameter A => _a ?? throw NotTargeted();

    /// <summary>The up-projection [out, r], fp32 (PEFT: <c>lora_B.weight</c>, of an embedding <c>lora_embedding_B</c>). Write into it in training mode only, like <see cref="A"/>.</summary>
    /// <exception cref="LoraException">The projection is not targeted.</exception>
    public Parameter B => _b ?? throw NotTargeted();

    /// <summary>
    /// DoRA's magnitude m [out], fp32: the output is (m / ||V||) V x + b with V = W0 + s B A and its norm over the inputs (arXiv 2402.09353;
    /// PEFT: <c>use_dora</c>, <c>lora_magnitude_vector</c>). Null without DoRA. Write into it in training mode only, like <see cref="A"/>.
    /// </summary>
    public Parameter? Magnitude => _magnitude;

    private protected Tensor Apply(Module<Tensor, Tensor> projection, Tensor x)
    {
        RequireAlive();
        MergedWeights.RequireNone(Path, projection);
        try
        {
            return IsSaved ? StandIn(projection, x) : Sum(projection, x);
        }
        catch (ExternalException)
        {
            RequireBeside(Path, ProjectionWeight.Of(projection)); // Looked at only now, since it costs as much as a small product.
            throw;
        }
    }

    /// <summary>The base's result plus the update.</summary>
    private protected abstract Tensor Sum(Module<Tensor, Tensor> projection, Tensor x);

    /// <summary>The same for a projection that takes vectors: x [..., in] to [..., out].</summary>
    private protected Tensor SumOfRows(Module<Tensor, Tensor> projection, Tensor x)
    {
        using var scope = NewDisposeScope();
        var rows = x.reshape(-1, x.shape[^1]);
        var result = projection.call(rows);
        var (a, b) = Factors(x.dtype);
        var drops = projection.training && Dropout > 0;
        var input = functional.dropout(rows, Dropout, drops);
        if (Magnitude is not null)
        {
            (result, b) = Decomposed(projection, result, b, drops ? input : null);
        }

        // Down to rank r first: r (in + out) multiplications a row instead of in * out.
        var reduced = functional.linear(input, a);
        return AddProduct(result, reduced, b).view([.. x.shape[..^1], result.shape[1]]).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The base's part of DoRA's output, and B with m / ||V|| in it: W0 x + b + (m / ||V|| - 1) W0 x, so that with m = ||V|| every bit is the
    /// base's. As in PEFT, W0 x is that of the dropped input where there is dropout.
    /// </summary>
    /// <param name="projection">The base's projection.</param>
    /// <param name="result">Its result, [rows, out].</param>
    /// <param name="b">B in the dtype of the result.</param>
    /// <param name="dropped">What was left of its input, or null where nothing is dropped.</param>
    private protected (Tensor Result, Tensor B) Decomposed(Module<Tensor, Tensor> projection, Tensor result, Tensor b, Tensor? dropped)
    {
        var (weight, bias, ratio) = (ProjectionWeight.Of(projection), projection.get_parameter("bias"), MagnitudeRatio(projection));
        var product = dropped is not null ? dropped.mm(Kind.IsTransposed ? weight : weight.t())
            : bias is not null ? result - bias
            : result;
        return (result + ((ratio - 1).to_type(result.dtype) * product), b * ratio.to_type(b.dtype).unsqueeze(1));
    }

    // m / ||V||, [out]. The norm costs as much as r rows of input would.
    private Tensor MagnitudeRatio(Module projection)
    {
        var weight = ProjectionWeight.Of(projection);
        if (MayChange())
        {
            _keptRatio.Drop();
            return Ratio();
        }

        return _keptRatio.Of((WeightMemory.Of(weight), weight.dtype), () => [Ratio()])[0];

        Tensor Ratio() => Magnitude! / Norm(weight);
    }

    private Tensor Norm(Tensor weight) => Dora.Norm(Kind.IsTransposed ? weight.t() : weight, A, B, Scale.Factor);

    /// <summary>Adds s reduced B^T to the result, in place and with one addmm.</summary>
    /// <param name="result">[rows, out]</param>
    /// <param name="reduced">What A makes of the input, [rows, r].</param>
    /// <param name="b">B in the dtype of the result.</param>
    private protected Tensor AddProduct(Tensor result, Tensor reduced, Tensor b)
    {
        var alpha = (float)Scale.Factor;
        if (result.dtype == ScalarType.Float64)
        {
            (reduced, alpha) = (reduced.mul(Scale.Factor), 1); // addmm_ would round a scale such as 16 / sqrt(3) to fp32.
        }

        return result.addmm_(reduced, b.t(), alpha: alpha);
    }

    /// <summary>A and B in a dtype.</summary>
    private protected (Tensor A, Tensor B) Factors(ScalarType dtype)
    {
        if (dtype == A.dtype && !_keptFactors.Any)
        {
            return (A, B);
        }

        if (MayChange())
        {
            DropKept();
            return (A.to_type(dtype), B.to_type(dtype));
        }

        if (dtype == A.dtype)
        {
            return (A, B);
        }

        var kept = _keptFactors.Of(dtype, () => [A.to_type(dtype), B.to_type(dtype)]);
        return (kept[0], kept[1]);
    }

    // An optimizer changes what holds a gradient, and what requires one comes to hold one.
    private bool MayChange()
    {
        return training || IsLoose(A) || IsLoose(B) || (Magnitude is not null && IsLoose(Magnitude));
    }

    private static bool IsLoose(Parameter parameter)
    {
        using var gradient = parameter.grad;
        return parameter.requires_grad || gradient is not null;
    }

    private void DropKept()
    {
        _keptFactors.Drop();
        _keptRatio.Drop();
        _keptSaved.Drop();
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
        if (IsTargeted)
        {
            // New objects, which TorchSharp puts into no field of a base class.
            (_a, _b, _magnitude) = (get_parameter(Kind.A), get_parameter(Kind.B), get_parameter(Dora.Magnitude));
        }

        RenewSaved();
    }

    /// <summary>Gives A and B of a new adapter their values, so that the update is zero.</summary>
    /// <param name="generator">Source of the random ones; null takes torch's global generator.</param>
    internal virtual void Initialise(Generator? generator)
    {
        // Kaiming-uniform with a = sqrt(5), PEFT's default, is U(-1/sqrt(in), 1/sqrt(in)). TorchSharp 0.107's nn.init does not listen to
        // its generator.
        var bound = 1 / Math.Sqrt(A.shape[1]);
        Draw(A, generator, (drawn, source) => drawn.uniform_(-bound, bound, source));
        B.zero_();
    }

    /// <summary>Draws values where the generator lives, so that a seed gives the same ones on every device.</summary>
    private protected static void Draw(Parameter parameter, Generator? generator, Action<Tensor, Generator?> fill)
    {
        using var drawn = empty(parameter.shape, ScalarType.Float32, generator?.device ?? CPU);
        fill(drawn, generator);
        parameter.copy_(drawn);
    }

    /// <summary>Gives DoRA's magnitude its start, at which m / ||V|| is 1 to the last bit.</summary>
    internal void InitialiseMagnitude(Module projection)
    {
        if (Magnitude is not null)
        {
            using var norm = Norm(ProjectionWeight.Of(projection));
            Magnitude.copy_(norm);
        }
    }

    /// <summary>The weight that computes what the base and the update compute together: W0 + s B A, with DoRA (m / ||V||) V.</summary>
    /// <param name="projection">The base's projection.</param>
    /// <param name="dtype">What to compute in and to return.</param>
    internal Tensor Merged(Module projection, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var sum = Product(dtype) + ProjectionWeight.Of(projection);
        if (Magnitude is not null)
        {
            var ratio = MagnitudeRatio(projection);
            sum.mul_(Kind.IsTransposed ? ratio : ratio.unsqueeze(1));
        }

        return sum.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// What <see cref="ILoraModel{TAdapter}.Merge"/> adds to the weight, in the weight's shape: (alpha / r) B A [out, in], and of a
    /// <see cref="Conv1D"/> or an embedding (alpha / r) (B A)^T [in, out].
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
        var delta = B.to_type(dtype).mm(A.to_type(dtype)).mul_(Scale.Factor);
        return (Kind.IsTransposed ? delta.t() : delta).MoveToOuterDisposeScope();
    }

    internal void RequireAlive()
    {
        if ((IsTargeted && (A.IsInvalid || B.IsInvalid || Magnitude is { IsInvalid: true })) || (IsSaved && (Weight.IsInvalid || Bias is { IsInvalid: true })))
        {
            throw new LoraException($"{Path}: the adapter was disposed. Set ActiveAdapter to null or to another adapter before disposing the active one.");
        }
    }

    internal void RequireBeside(string path, Tensor weight)
    {
        var own = IsSaved ? Weight : A;
        if (weight.device_type != own.device_type || weight.device_index != own.device_index)
        {
            throw new LoraException($"{path}: expected the adapter on the base's device {weight.device}, found it on {own.device}; move it with adapter.to(device).");
        }
    }

    private LoraException NotTargeted() => new($"{Path}: this projection has no A and no B, since the LoraConfig's {(IsSaved ? "ModulesToSave save it whole" : "TargetModules leave it out")}.");

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
