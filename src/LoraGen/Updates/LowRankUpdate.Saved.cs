using TorchSharp.Modules;
using static LoraGen.ProjectionWeight;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

/// <content>
/// A projection that the adapter owns whole (PEFT: <c>modules_to_save</c>): no update is added to what the base computes, but another
/// weight and bias compute it.
/// </content>
public abstract partial class LowRankUpdate
{
    private readonly KeptTensors<ScalarType> _keptSaved = new();
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
    public Parameter Weight => _weight ?? throw NotSaved();

    /// <summary>What stands in for the base's bias, as <see cref="Weight"/> does for its weight; null where the base has none.</summary>
    /// <exception cref="LoraException">The projection is not saved whole.</exception>
    public Parameter? Bias => IsSaved ? _bias : throw NotSaved();

    /// <summary>Whether the projection computes anything else than the base.</summary>
    internal bool HasEffect => IsTargeted || IsSaved;

    private void RegisterSaved(UpdateParts parts)
    {
        if (parts.Saved is not var (weight, bias))
        {
            return;
        }

        (_weight, _bias) = (weight, bias);
        register_parameter(WeightName, weight);
        if (bias is not null)
        {
            register_parameter(BiasName, bias);
        }
    }

    private void RenewSaved()
    {
        if (IsSaved)
        {
            (_weight, _bias) = (get_parameter(WeightName), get_parameter(BiasName));
        }
    }

    /// <summary>What the projection computes with another weight and bias.</summary>
    private protected abstract Tensor Compute(Module projection, Tensor x, Tensor weight, Tensor? bias);

    private Tensor StandIn(Module<Tensor, Tensor> projection, Tensor x)
    {
        using var scope = NewDisposeScope();
        var tensors = SavedIn(ProjectionWeight.Of(projection).dtype);
        return Compute(projection, x, tensors[0], tensors.ElementAtOrDefault(1)).MoveToOuterDisposeScope();
    }

    // As with A and B: what may change is cast anew.
    private Tensor[] SavedIn(ScalarType dtype)
    {
        Tensor[] own = Bias is null ? [Weight] : [Weight, Bias];
        if (training || IsLoose(Weight) || (Bias is not null && IsLoose(Bias)))
        {
            _keptSaved.Drop();
            return dtype == Weight.dtype ? own : Cast();
        }

        return dtype == Weight.dtype ? own : _keptSaved.Of(dtype, Cast);

        Tensor[] Cast() => [.. own.Select(tensor => tensor.to_type(dtype))];
    }

    private LoraException NotSaved() => new($"{Path}: this projection has no weight of its own, since the LoraConfig's ModulesToSave do not name it.");
}
