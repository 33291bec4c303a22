using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>x + down(tanh(up(x))): two targets, with and without bias, of different rank and alpha.</summary>
[LoraModel]
public sealed partial class Room : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 3, Alpha = 6)] private readonly Linear up;
    [LoraTarget(Rank = 2, Alpha = 5)] private readonly Linear down;

    public Room(long width, long inner)
        : base(nameof(Room))
    {
        up = Linear(width, inner);
        down = Linear(inner, width, hasBias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (x + Down(tanh(Up(x)))).MoveToOuterDisposeScope();
    }
}
