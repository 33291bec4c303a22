using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Convolutions of one, two and three axes, one of which may be absent.</summary>
[LoraModel]
public sealed partial class Convolved : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 6)] private readonly Conv1d signal;
    [LoraTarget(Rank = 3, Alpha = 5, Init = LoraInit.Gaussian)] private readonly Conv2d? image;
    [LoraTarget] private readonly Conv3d volume;

    /// <summary>Each kernel is as large as what it looks at: 2 channels of 2, then 3 of 1 by 1, then one of 1 by 2 by 2.</summary>
    public Convolved()
        : base(nameof(Convolved))
    {
        signal = Conv1d(2, 3, 2);
        image = Conv2d(3, 4, 1);
        volume = Conv3d(1, 5, (1, 2, 2), bias: false);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        var between = Image(Signal(x.view(-1, 2, 2)).unsqueeze(-1));
        return Volume(between.view(-1, 1, 1, 2, 2)).flatten(1);
    }
}
