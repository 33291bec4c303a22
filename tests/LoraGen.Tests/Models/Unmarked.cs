using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>A classifier whose head is not annotated.</summary>
[LoraModel]
public sealed partial class Unmarked : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear proj;
    private readonly Linear score;

    public Unmarked()
        : base(nameof(Unmarked))
    {
        (proj, score) = (Linear(4, 4), Linear(4, 2));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => score.call(Proj(x));
}
