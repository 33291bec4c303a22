using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>One Conv3d and nothing else, so that the model's output is the convolution's.</summary>
[LoraModel]
public sealed partial class OneVolume : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 3, Alpha = 12)] private readonly Conv3d proj;

    public OneVolume(Conv3d convolution)
        : base(nameof(OneVolume))
    {
        proj = convolution;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);
}
