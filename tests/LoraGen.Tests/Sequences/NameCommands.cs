using LoraGen.Tests.Models;

namespace LoraGen.Tests.Sequences;

/// <summary>Gives an adapter a name; one that has a name, or a name that another has, is refused.</summary>
internal sealed record GiveName(int Age, string Name) : OneAdapterCommand(Age)
{
    public override bool IsRefused(World world) => world.Names.ContainsKey(Name) || world.Names.ContainsValue(Of(world)!);

    public override void Run(World world)
    {
        world.Named.Add(Name, Of(world)!.Real);
        world.Names.Add(Name, Of(world)!);
    }
}

/// <summary>Activates an adapter by its name.</summary>
internal sealed record AttachNamed(string Name) : Command
{
    public override bool IsRefused(World world) => !world.Names.TryGetValue(Name, out var adapter) || adapter.IsDisposed || world.Merged is not null;

    public override void Run(World world)
    {
        world.Named.Active = Name;
        world.NoteActive(world.Names[Name]);
    }
}

/// <summary>Deletes an adapter by its name: if it was active, the base is; if it is merged, it stays.</summary>
internal sealed record DeleteNamed(string Name) : Command
{
    public override bool IsRefused(World world) => !world.Names.TryGetValue(Name, out var adapter) || adapter == world.Merged;

    public override void Run(World world)
    {
        world.Named.Delete(Name);
        var adapter = world.Names[Name];
        world.Names.Remove(Name);
        adapter.IsDisposed = true;
        if (world.ActiveReal == adapter.Real)
            world.NoteActive(null);
    }
}

/// <summary>Reads the files of a folder into an adapter's tensors: its shape has to be that of the saved one, but for a projection that is missing there.</summary>
internal sealed record HotSwap(int Age, int Folder) : OneAdapterCommand(Age)
{
    public override bool IsPossible(World world) => Of(world) is not null && world.Saved.ContainsKey(Folder);

    public override bool IsRefused(World world)
    {
        var (adapter, saved) = (Of(world)!, world.Saved[Folder].Shape);
        return adapter.IsDisposed || world.Merged is not null
            || saved.Paths.Any(path => !adapter.Factors.ContainsKey(path) || adapter.Shape.RankOf(path) != saved.RankOf(path)) || adapter.Shape.Scale != saved.Scale;
    }

    public override void Run(World world)
    {
        var adapter = Of(world)!;
        world.Model.HotSwap(adapter.Real, world.Folder(Folder));
        adapter.Gradients = null;
        adapter.NoteValues(adapter.Factors.ToDictionary(
            item => item.Key, item => world.Saved[Folder].Factors.GetValueOrDefault(item.Key) ?? new Factors(new double[item.Value.A.GetLength(0), item.Value.A.GetLength(1)], new double[item.Value.B.GetLength(0), item.Value.B.GetLength(1)])));
    }
}
