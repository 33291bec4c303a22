using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>One Conv1D and nothing else, so that the model's output is the projection's.</summary>
[LoraModel]
public sealed partial class OneConv1D : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 3, Alpha = 12)] private readonly Conv1D proj;

    public OneConv1D(long inFeatures, long outFeatures, ScalarType dtype)
        : base(nameof(OneConv1D))
    {
        proj = new Conv1D(inFeatures, outFeatures, dtype: dtype);
        using (no_grad())
        {
            proj.Bias!.normal_();
        }

        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);
}
