using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A bias of B, by the attributes.</summary>
[LoraModel]
public sealed partial class BiasOfB : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 5, LoraBias = true)] private readonly Linear up;
    [LoraTarget(Rank = 3, Alpha = 4, LoraBias = true)] private readonly Conv1D down;

    /// <summary>down(up(x)).</summary>
    public BiasOfB(long width)
        : base(nameof(BiasOfB))
    {
        (up, down) = (Linear(width, 6), new Conv1D(6, 3));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Down(Up(x));
}
