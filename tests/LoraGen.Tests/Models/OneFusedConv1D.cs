using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>GPT-2's fused projection, of which one slice in the middle is adapted, said the long way.</summary>
[LoraModel]
public sealed partial class OneFusedConv1D : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 3, Slices = 3, Trained = new[] { 1 })] private readonly Conv1D proj;

    public OneFusedConv1D(long inFeatures, long outFeatures, ScalarType dtype = ScalarType.Float32)
        : base(nameof(OneFusedConv1D))
    {
        proj = new Conv1D(inFeatures, outFeatures, dtype: dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);
}
