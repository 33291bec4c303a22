using LoraGen.MixedBatches;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

/// <summary>
/// The update of one projection: y = W0 x + b + s B A x with A [r, in], B [out, r] and s = alpha / r, or alpha / sqrt(r) with rank
/// stabilisation (arXiv 2106.09685, section 4.1; arXiv 2312.03732). A and B are fp32; the arithmetic is in the dtype of the base's
/// result. Each kind of projection has a class of its own: <see cref="LinearUpdate"/>, <see cref="Conv1DUpdate"/>,
/// <see cref="EmbeddingUpdate"/>, <see cref="ConvUpdate"/>. Instead of an update, or beside it, it may hold what stands in for a part of the
/// base: see <see cref="IsSaved"/>, <see cref="Bias"/>, <see cref="TokenRows"/>.
/// </summary>
/// <remarks>
/// An adapter that only serves need not be cast to the base's dtype at every call. Put it in evaluation mode and freeze it:
/// <code>
/// adapter.eval();
/// foreach (var parameter in adapter.parameters()) parameter.requires_grad = false;
/// </code>
/// Calls then keep copies of A and B (or of a saved weight and bias) in the dtype that they compute in, as long as neither requires a gradient nor holds one: such an A and B no
/// optimizer steps. That dtype is the base's; on a CPU, for a few rows over a base in half precision, such as one token, it is that of A and B, which is faster there and rounds less. The copies go with the first call for which that no longer holds, with <c>train()</c>, <c>to</c>, <c>state_dict</c>
/// and <c>load_state_dict</c>, and with the adapter. Nothing else tells the update that values have changed: call <c>adapter.train()</c>
/// before you write into A or B by hand. An adapter is made in training mode and unfrozen, so that nothing is kept.
/// <para>
/// The adapter's own mode decides nothing else. Dropout follows the mode of the base's projection: <c>model.train()</c>, <c>model.eval()</c>.
/// </para>
/// <para>
/// With an update, a forward hook on the projection is given x as [rows, in], and ids as [rows], and an image as it is; the update is then added in place to
/// what the hook returns. A hook that keeps the base's own result must clone it.
/// </para>
/// <para>Calls from several threads at once are safe; whatever changes an adapter is not safe beside them.</para>
/// </remarks>
public abstract partial class LowRankUpdate : Module
{
    private Parameter? _a;
    private Parameter? _b;
    private Parameter? _magnitude;
    private (Tensor A, Tensor B)? _start;

    private protected LowRankUpdate(UpdateParts parts, UpdateKind kind)
        : base(nameof(LowRankUpdate))
    {
        (Path, _a, _b, _magnitude, Scale, Dropout, Kind) = (parts.Path, parts.A, parts.B, parts.Magnitude, parts.Scale, parts.Dropout, kind);
        Slices = parts.Slices;
        if (IsTargeted)
        {
            register_parameter(kind.A, A);
            register_parameter(kind.B, B);
        }

        if (_magnitude is not null)
        {
            register_parameter(Dora.Magnitude, _magnitude);
        }

        RegisterOwn(parts);
    }

    /// <summary>Does nothing: A and B are registered by the names that PEFT gives them in this kind of projection.</summary>
    protected sealed override void RegisterComponents()
    {
    }

    internal UpdateKind Kind { get; }

    /// <summary>The slices of a fused projection that are adapted, or null where the whole is.</summary>
    internal FusedSlices? Slices { get; }

    /// <summary>Where the projection lies below the model.</summary>
    public string Path { get; }

    /// <summary>Whether there is an A and a B at all; false where a <see cref="LoraConfig"/> left the projection out.</summary>
    public bool IsTargeted => _a is not null;

    /// <summary>In the adapter of a <see cref="MixedBatch{TAdapter}"/>: the updates of other adapters that take the place of one of its own.</summary>
    internal MixedRows? Mixed { get; set; }

    /// <summary>How often its tensors were replaced by others, in another dtype or on another device.</summary>
    internal int Moves { get; private set; }

    /// <summary>Whether there is anything to add to the base's result.</summary>
    internal bool IsActive => HasEffect || Mixed is not null;

    /// <summary>Rank, alpha and the factor that follows from them.</summary>
    public LoraScale Scale { get; }

    /// <summary>
    /// Probability of dropping an input of A while the base's projection is in training mode, whichever mode the adapter is in (PEFT:
    /// <c>lora_dropout</c>).
    /// </summary>
    public double Dropout { get; }

    /// <summary>
    /// The down-projection [r, in], of a convolution [r, in, kernel...], fp32 (PEFT: <c>lora_A.weight</c>, of an embedding <c>lora_embedding_A</c>); of n slices, theirs one below the other, [n r, in].
    /// Write into it in training mode only: once it is frozen and in evaluation mode, a copy may stand in for it.
    /// </summary>
    /// <exception cref="LoraException">The projection is not targeted.</exception>
    public Parameter A => _a ?? throw NotTargeted();

    /// <summary>
    /// The up-projection [out, r], of a convolution [out, r, 1...], fp32 (PEFT: <c>lora_B.weight</c>, of an embedding <c>lora_embedding_B</c>); of n slices, theirs one below the other. Write into it in training mode only, like <see cref="A"/>.
    /// </summary>
    /// <exception cref="LoraException">The projection is not targeted.</exception>
    public Parameter B => _b ?? throw NotTargeted();

    /// <summary>
    /// DoRA's magnitude m [out], of a convolution [1, out, 1...], fp32: the output is (m / ||V||) V x + b with V = W0 + s B A and its norm over the inputs (arXiv 2402.09353;
    /// PEFT: <c>use_dora</c>, <c>lora_magnitude_vector</c>). Null without DoRA. Write into it in training mode only, like <see cref="A"/>.
    /// </summary>
    public Parameter? Magnitude => _magnitude;

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
        Moves++;
        if (IsTargeted)
        {
            // New objects, which TorchSharp puts into no field of a base class.
            (_a, _b, _magnitude) = (get_parameter(Kind.A), get_parameter(Kind.B), get_parameter(Dora.Magnitude));
            _start = _start is null ? null : (get_buffer(StartA)!, get_buffer(StartB)!);
        }

        RenewOwn();
    }

    internal void RequireAlive()
    {
        if (_a is { IsInvalid: true } || _b is { IsInvalid: true } || _magnitude is { IsInvalid: true } || AnyOwnIsGone)
        {
            throw new LoraException($"{Path}: the adapter was disposed. Set ActiveAdapter to null or to another adapter before disposing the active one.");
        }
    }

    internal void RequireBeside(string path, Tensor weight)
    {
        var own = parameters().First();
        if (!weight.IsBeside(own))
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
