using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>One Conv2d and nothing else, so that the model's output is the convolution's.</summary>
[LoraModel]
public sealed partial class OneImage : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 3, Alpha = 12)] private readonly Conv2d proj;

    public OneImage(Conv2d convolution)
        : base(nameof(OneImage))
    {
        proj = convolution;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);
}
