using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Slices of fused projections: q and v of q, k, v, and one half of two.</summary>
[LoraModel]
public sealed partial class Sliced : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 5, Slices = 3, Trained = [0, 2])] private readonly Linear qkv;
    [LoraTarget(Rank = 2, Alpha = 5, Slices = 2, Trained = [1])] private readonly Conv1D c_proj;

    /// <summary>c_proj(qkv(x)).</summary>
    public Sliced(long width)
        : base(nameof(Sliced))
    {
        qkv = Linear(width, 9);
        c_proj = new Conv1D(9, 6);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => CProj(Qkv(x));
}
