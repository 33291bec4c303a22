using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>One target, with every number of its attribute given.</summary>
[LoraModel]
public sealed partial class OneTarget : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 4, Alpha = 16, Dropout = 0.05)]
    private readonly Linear up_proj;

    /// <summary>up_proj(x).</summary>
    public OneTarget(long width)
        : base(nameof(OneTarget))
    {
        up_proj = Linear(width, width + 1);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => UpProj(x);
}
