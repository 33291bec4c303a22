using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>A fused projection of three slices, of which the first and the last are adapted.</summary>
[LoraModel]
public sealed partial class OneFused : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 3, Slices = 3, Trained = [0, 2])] private readonly Linear proj;

    public OneFused(long inFeatures, long outFeatures, ScalarType dtype = ScalarType.Float32)
        : base(nameof(OneFused))
    {
        proj = Linear(inFeatures, outFeatures, dtype: dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);
}
