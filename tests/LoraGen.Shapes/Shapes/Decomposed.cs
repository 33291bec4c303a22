using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>DoRA, one projection beginning with the base's largest singular values and one with a normal distribution.</summary>
[LoraModel]
public sealed partial class Decomposed : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 5, UseDora = true, Init = LoraInit.Pissa)] private readonly Linear up;
    [LoraTarget(Rank = 2, Alpha = 5, UseDora = true, Init = LoraInit.Gaussian)] private readonly Conv1D down;

    /// <summary>down(up(x)).</summary>
    public Decomposed(long width)
        : base(nameof(Decomposed))
    {
        up = Linear(width, 6);
        down = new Conv1D(6, 3);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Down(Up(x));
}
