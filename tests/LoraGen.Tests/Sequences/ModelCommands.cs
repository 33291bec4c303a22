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
        world.NoteActive(Of(world));
    }
}

/// <summary>Activates an adapter for each row: by its age, or none at -1 and where there is none so old.</summary>
internal sealed record AttachMixed(MixedForm Form, int[] Ages) : Command
{
    public override bool IsRefused(World world) => world.Merged is not null || Of(world).Any(adapter => adapter is { IsDisposed: true });

    public override void Run(World world)
    {
        var rows = Of(world);
        world.Mixed[Form].Rows = [.. rows.Select(adapter => adapter?.Real)];
        world.NoteRows(Form, rows);
        world.Model.ActiveAdapter = world.Mixed[Form].Adapter;
        world.NoteMixed(Form);
    }

    private TrackedAdapter?[] Of(World world) => [.. Ages.Select(age => age >= 0 && age < world.Adapters.Count ? world.Adapters[^(age + 1)] : null)];

    public override string ToString() => $"AttachMixed {Form} [{string.Join(", ", Ages)}]";
}

internal sealed record Disable : Command
{
    public override void Run(World world)
    {
        world.Model.ActiveAdapter = null;
        world.NoteActive(null);
    }
}

internal sealed record Merge(int Age) : OneAdapterCommand(Age)
{
    public override bool IsPossible(World world) => Of(world) is not null;

    public override bool IsRefused(World world)
        => Of(world)!.IsDisposed || world.Merged is not null || (world.ActiveReal is not null && world.ActiveReal != Of(world)!.Real);

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
    public override bool IsRefused(World world) => world.Merged is null || world.IsMergeDisabled;

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
