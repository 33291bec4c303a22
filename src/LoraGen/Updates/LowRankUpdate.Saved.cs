using TorchSharp.Modules;
using static LoraGen.ProjectionWeight;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

/// <content>
/// What of the base the adapter owns itself: a projection whole (PEFT: <c>modules_to_save</c>), its bias alone (<c>bias</c>), rows of an
/// embedding (<c>trainable_token_indices</c>). It stands in for the base's, which keeps its own.
/// </content>
public abstract partial class LowRankUpdate
{
    private readonly KeptTensors<ScalarType> _keptOwn = new();
    private Parameter? _weight;
    private Parameter? _bias;

    /// <summary>
    /// Whether a weight and a bias of the adapter's own stand in for the base's, instead of an update (PEFT: <c>modules_to_save</c>). The
    /// base's projection is then not called, nor are its hooks.
    /// </summary>
    public bool IsSaved => _weight is not null;

    /// <summary>
    /// What stands in for the base's weight, in its shape and, unlike PEFT's copy, in fp32 like A and B (in float64 where the base is); a new one has the
    /// base's values. Calls compute in the base's dtype. Write into it in training mode only, like <see cref="A"/>.
    /// </summary>
    /// <exception cref="LoraException">The projection is not saved whole.</exception>
    public Parameter Weight => _weight ?? throw NotSaved("weight", "ModulesToSave do not name it");

    /// <summary>
    /// What stands in for the base's bias, as <see cref="Weight"/> does for its weight: of a projection that is saved whole, and of one whose
    /// bias is trained (<see cref="LoraConfig.Bias"/>). Null where a saved projection has none.
    /// </summary>
    /// <exception cref="LoraException">The base's own bias is used, if it has one.</exception>
    public Parameter? Bias => IsSaved || OwnsBias ? _bias : throw NotSaved("bias", "ModulesToSave do not name it and Bias leaves it out");

    /// <summary>Whether a bias of the adapter's own stands in for the base's.</summary>
    internal bool OwnsBias => _bias is not null;

    /// <summary>Whether the projection computes anything else than the base.</summary>
    internal bool HasEffect => IsTargeted || IsSaved || OwnsBias || TokenRows is not null;

    private Parameter[] Own => [.. new[] { _weight, _bias, _bBias, _tokenRows }.OfType<Parameter>()];

    private bool AnyOwnIsGone => _weight is { IsInvalid: true } || _bias is { IsInvalid: true } || _bBias is { IsInvalid: true } || _tokenRows is { IsInvalid: true };

    // PEFT puts an adapted layer around the base's, and looks for the bias there.
    private string OwnBiasName => IsTargeted ? $"base_layer.{BiasName}" : BiasName;

    private void RegisterOwn(UpdateParts parts)
    {
        (_weight, _bias, _bBias) = (parts.Saved?.Weight, parts.Saved?.Bias ?? parts.Bias, parts.BBias);
        (_tokenIds, _tokenRows) = (parts.Tokens?.Ids ?? [], parts.Tokens?.Rows);
        Register(WeightName, _weight);
        Register(OwnBiasName, _bias);
        Register(BBiasName, _bBias);
        Register(TokenRowsName, _tokenRows);

        void Register(string name, Parameter? parameter)
        {
            if (parameter is not null)
            {
                register_parameter(name, parameter);
            }
        }
    }

    private void RenewOwn()
        => (_weight, _bias, _bBias, _tokenRows) = (get_parameter(WeightName), get_parameter(OwnBiasName), get_parameter(BBiasName), get_parameter(TokenRowsName));

    /// <summary>What the projection computes with another weight and bias.</summary>
    private protected abstract Tensor Compute(Module projection, Tensor x, Tensor weight, Tensor? bias);

    /// <summary>The result where there is no update: that of the adapter's own weight and bias, each where it has one.</summary>
    private protected virtual Tensor StandIn(Module<Tensor, Tensor> projection, Tensor x)
    {
        using var scope = NewDisposeScope();
        var weight = ProjectionWeight.Of(projection);
        return Compute(projection, x, _weight is null ? weight : As(_weight, weight.dtype), BiasIn(projection)).MoveToOuterDisposeScope();
    }

    /// <summary>The base's result beside an update: with the adapter's own bias where it has one.</summary>
    private Tensor Base(Module<Tensor, Tensor> projection, Tensor rows)
        => OwnsBias ? Compute(projection, rows, ProjectionWeight.Of(projection), BiasIn(projection)) : projection.call(rows);

    // The weight with what the adapter owns of it.
    private Tensor Owned(Module projection, ScalarType dtype) => _tokenRows is null
        ? Weight.to_type(dtype, copy: true)
        : ProjectionWeight.Of(projection).to_type(dtype).index_copy(0, tensor(TokenIds.Select(id => (long)id).ToArray()).to(_tokenRows.device), _tokenRows.to_type(dtype));

    // As with A and B: what may change is cast anew.
    private protected Tensor As(Parameter own, ScalarType dtype)
    {
        if (training || Own.Any(IsLoose))
        {
            _keptOwn.Drop();
            return own.dtype == dtype ? own : own.to_type(dtype);
        }

        return own.dtype == dtype ? own : _keptOwn.Of(dtype, () => [.. Own.Select(tensor => tensor.to_type(dtype))])[Array.FindIndex(Own, tensor => ReferenceEquals(tensor, own))];
    }

    private LoraException NotSaved(string what, string reason) => new($"{Path}: this projection has no {what} of its own, since the LoraConfig's {reason}.");
}
