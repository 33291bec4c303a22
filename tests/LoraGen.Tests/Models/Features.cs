using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>Images to classes: a convolution, one of several groups that no update is for, and a linear head.</summary>
[LoraModel]
public sealed partial class Features : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 3)] private readonly Conv2d stem;
    [LoraTarget(Rank = 2, Alpha = 3, ByDefault = false)] private readonly Conv2d groups;
    [LoraTarget(Rank = 2, Alpha = 3)] private readonly Linear head;

    public Features(ScalarType dtype = ScalarType.Float32)
        : base(nameof(Features))
    {
        stem = Conv2d(3, 4, 3, stride: 2, padding: 1, dtype: dtype);
        groups = Conv2d(4, 4, (2, 1), padding: (1, 0), groups: 2, padding_mode: TorchSharp.PaddingModes.Replicate, dtype: dtype);
        head = Linear(4, 5, dtype: dtype);
        RegisterComponents();
    }

    // [N, 3, height, width] to [N, 5]
    public override Tensor forward(Tensor x) => Head(Groups(Stem(x)).mean([2, 3]));
}
