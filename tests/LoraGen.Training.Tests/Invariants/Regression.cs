using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Training.Tests.Invariants;

/// <summary>Two adapted projections around a tanh.</summary>
[LoraModel]
public sealed partial class Regression : Module<Tensor, Tensor>
{
    public const int Width = 6;

    [LoraTarget(Rank = 2, Alpha = 4)] private readonly Linear up;
    [LoraTarget(Rank = 2, Alpha = 4)] private readonly Linear down;

    public Regression(ScalarType dtype)
        : base(nameof(Regression))
    {
        (up, down) = (Linear(Width, 9, dtype: dtype), Linear(9, Width, dtype: dtype));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Down(tanh(Up(x)));
}
