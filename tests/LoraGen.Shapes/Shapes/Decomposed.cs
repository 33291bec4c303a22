using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>DoRA, and a start of one's own.</summary>
[LoraModel]
public sealed partial class Decomposed : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 5, UseDora = true, Init = LoraInit.Gaussian)] private readonly Linear up;
    [LoraTarget(Rank = 3, Alpha = 4, UseDora = true)] private readonly Linear down;

    /// <summary>down(up(x)).</summary>
    public Decomposed(long width)
        : base(nameof(Decomposed))
    {
        (up, down) = (Linear(width, 6), Linear(6, 3, hasBias: false));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Down(Up(x));
}
