using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Benchmarks.Models;

/// <summary>One annotated projection of GPT-2's width.</summary>
[LoraModel]
internal sealed partial class Projection : Module<Tensor, Tensor>
{
    public const int Width = 768;
    public const int Rank = 8;

    [LoraTarget(Rank = Rank, Alpha = 16)] private readonly Linear proj;

    public Projection(Device device, ScalarType dtype)
        : base(nameof(Projection))
    {
        proj = Linear(Width, Width, device: device, dtype: dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);
}
