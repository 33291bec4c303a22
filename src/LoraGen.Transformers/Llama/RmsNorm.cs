using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Llama;

/// <summary>Root-mean-square norm over the last axis: the statistics in fp32, the result in the input's dtype, then the learned gain.</summary>
public sealed class RmsNorm : Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly double _eps;

    internal RmsNorm(long size, double eps, Weights weights)
        : base(nameof(RmsNorm))
    {
        weight = weights.Vector(size);
        _eps = eps;
        RegisterComponents();
    }

    /// <summary>x [..., size] to [..., size].</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var wide = x.to_type(ScalarType.Float32);
        var scale = rsqrt(wide.square().mean([-1], keepdim: true).add_(_eps));
        return (weight * wide.mul(scale).to_type(x.dtype)).MoveToOuterDisposeScope();
    }
}
