using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// The projection of GPT-2, under the name that transformers gives it: y = x W + b with a weight W [in, out], the transpose of a
/// <c>Linear</c>'s. It is no convolution. Keys: <c>weight</c>, <c>bias</c>.
/// </summary>
public sealed class Conv1D : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    /// <summary>A new projection: W from N(0, 0.02), b zero, as in transformers, whose order of the two sizes is the other one.</summary>
    /// <param name="inFeatures">The length of the vectors that it takes (transformers: <c>nx</c>).</param>
    /// <param name="outFeatures">The length of the vectors that it gives (transformers: <c>nf</c>).</param>
    /// <param name="device">Where; null is torch's default.</param>
    /// <param name="dtype">In what; null is torch's default.</param>
    public Conv1D(long inFeatures, long outFeatures, Device? device = null, ScalarType? dtype = null)
        : this(
            new Parameter(empty(inFeatures, outFeatures, dtype: dtype, device: device).normal_(0, 0.02)),
            new Parameter(zeros(outFeatures, dtype: dtype, device: device)))
    {
    }

    /// <summary>A projection with given values, which it owns from now on; uninitialised ones where a checkpoint is about to write them.</summary>
    /// <param name="weight">[in, out]</param>
    /// <param name="bias">[out], or null for none.</param>
    public Conv1D(Parameter weight, Parameter? bias)
        : base(nameof(Conv1D))
    {
        (_weight, _bias) = (weight, bias);
        _weight.DetachFromDisposeScope();
        _bias?.DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <summary>W [in, out].</summary>
    public Parameter Weight => _weight;

    /// <summary>b [out], or null.</summary>
    public Parameter? Bias => _bias;

    /// <summary>x W + b.</summary>
    /// <param name="x">[..., in]</param>
    /// <returns>[..., out]</returns>
    public override Tensor forward(Tensor x) => Product(x, _weight, _bias);

    internal static Tensor Product(Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var rows = x.reshape(-1, x.shape[^1]);
        var result = bias is null ? rows.mm(weight) : addmm(bias, rows, weight, 1, 1);
        return result.view([.. x.shape[..^1], result.shape[1]]).MoveToOuterDisposeScope();
    }
}
