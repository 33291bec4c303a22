using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>A child field and a list of children, the list under another name than its field's.</summary>
[LoraModel]
public sealed partial class Floor : Module<Tensor, Tensor>
{
    private readonly Room entrance;

    [ComponentName(Name = "h")]
    private readonly ModuleList<Room> _rooms;

    public Floor(long width, long inner)
        : base(nameof(Floor))
    {
        entrance = new Room(width, inner);
        _rooms = new ModuleList<Room>(new Room(width, inner), new Room(width, inner));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = entrance.call(x);
        foreach (var room in _rooms)
        {
            x = room.call(x);
        }

        return x.MoveToOuterDisposeScope();
    }
}
