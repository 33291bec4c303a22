using TorchSharp.Modules;
using static LoraGen.ProjectionWeight;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

// What is added to the base's result and bias.
public abstract partial class LowRankUpdate
{
    private const string BBiasName = "lora_B.bias";

    private Parameter? _bBias;

    /// <summary>
    /// The bias of B [out], fp32: y = W0 x + b + s (B A x + b_B) (PEFT: <c>lora_bias</c>, <c>lora_B.bias</c>). A new one is zero, and random
    /// with <see cref="LoraInit.Random"/>. Null without it. Write into it in training mode only, like <see cref="A"/>.
    /// </summary>
    public Parameter? BBias => _bBias;

    /// <summary>Whether a merge changes the bias.</summary>
    internal bool ChangesBias => OwnsBias || BBias is not null;

    private Tensor AddBBias(Tensor result) => _bBias is null ? result : result.add_(PerOutput(As(_bBias, result.dtype)), alpha: Scale.Factor);

    // What the projection adds to its product: the adapter's own, or the base's, if there is one.
    private Tensor? BiasIn(Module projection) => projection.get_parameter(BiasName) is { } bias ? _bias is null ? bias : As(_bias, bias.dtype) : null;

    /// <summary>The bias that a merge writes: the adapter's own or the base's, plus s b_B.</summary>
    /// <param name="projection">The base's projection, which has a bias.</param>
    /// <param name="dtype">What to compute in and to return.</param>
    internal Tensor MergedBias(Module projection, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var bias = (_bias ?? projection.get_parameter(BiasName)!).to_type(dtype);
        return (_bBias is null ? bias.alias() : bias + (_bBias.to_type(dtype) * Scale.Factor)).MoveToOuterDisposeScope();
    }
}
