using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>One Conv1d and nothing else, so that the model's output is the convolution's.</summary>
[LoraModel]
public sealed partial class OneSignal : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 3, Alpha = 12)] private readonly Conv1d proj;

    public OneSignal(Conv1d convolution)
        : base(nameof(OneSignal))
    {
        proj = convolution;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);
}
