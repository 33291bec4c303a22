using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>
/// Lists of children two levels deep, a target of its own under a checkpoint's name, and a projection <c>mix</c> that is not annotated.
/// </summary>
[LoraModel]
public sealed partial class Tower : Module<Tensor, Tensor>
{
    public const int Width = 5;
    public const int Inner = 7;
    public const int Outputs = 4;

    private readonly ModuleList<Floor> floors;
    private readonly Linear mix;

    [ComponentName(Name = "lm_head")]
    [LoraTarget(Rank = 2, Alpha = 8, Name = "Head")]
    private readonly Linear _head;

    public Tower(int floorCount = 2)
        : base(nameof(Tower))
    {
        floors = new ModuleList<Floor>([.. Enumerable.Range(0, floorCount).Select(_ => new Floor(Width, Inner))]);
        mix = Linear(Width, Width);
        _head = Linear(Width, Outputs);
        RegisterComponents();
    }

    /// <summary>One floor, which is a model with a place for an adapter too.</summary>
    public Floor FloorAt(int index) => floors[index];

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        foreach (var floor in floors)
        {
            x = floor.call(x);
        }

        return Head(mix.call(x)).MoveToOuterDisposeScope();
    }
}
