using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

internal sealed record Attach(int Age) : OneAdapterCommand(Age)
{
    public override bool IsPossible(World world) => Of(world) is not null;

    public override bool IsRefused(World world) => Of(world)!.IsDisposed || world.Merged is not null;

    public override void Run(World world)
    {
        world.Model.ActiveAdapter = Of(world)!.Real;
        world.Active = Of(world);
    }
}

internal sealed record Disable : Command
{
    public override void Run(World world)
    {
        world.Model.ActiveAdapter = null;
        world.Active = null;
    }
}

internal sealed record Merge(int Age) : OneAdapterCommand(Age)
{
    public override bool IsPossible(World world) => Of(world) is not null;

    public override bool IsRefused(World world)
        => Of(world)!.IsDisposed || world.Merged is not null || (world.Active is not null && world.Active != Of(world));

    public override void Run(World world)
    {
        world.Model.Merge(Of(world)!.Real);
        world.NoteMerge(Of(world)!);
    }
}

/// <summary>Activates an adapter whose shapes fit, but which was made for other weights.</summary>
internal sealed record AttachForeign : Command
{
    public override bool IsRefused(World world) => true;

    public override void Run(World world) => world.Model.ActiveAdapter = World.Foreign;
}

internal sealed record MergeForeign : Command
{
    public override bool IsRefused(World world) => true;

    public override void Run(World world) => world.Model.Merge(World.Foreign);
}

internal sealed record Unmerge : Command
{
    public override bool IsRefused(World world) => world.Merged is null;

    public override void Run(World world)
    {
        world.Model.Unmerge();
        world.NoteUnmerge();
    }
}

internal sealed record MoveModel(ScalarType Dtype) : Command
{
    public override void Run(World world)
    {
        world.Model.to(Dtype);
        world.NoteMove(Dtype);
    }
}
