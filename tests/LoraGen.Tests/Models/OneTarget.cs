using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>One projection and nothing else, so that the model's output is the projection's.</summary>
[LoraModel]
public sealed partial class OneTarget : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 3, Alpha = 12)] private readonly Linear proj;

    public OneTarget(long inFeatures, long outFeatures, bool bias = true, ScalarType dtype = ScalarType.Float32)
        : base(nameof(OneTarget))
    {
        proj = Linear(inFeatures, outFeatures, bias, dtype: dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);
}
