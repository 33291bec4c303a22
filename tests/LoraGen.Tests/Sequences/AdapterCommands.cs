using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>Makes an adapter and gives it values, as if it had been trained: a new adapter's update is zero.</summary>
internal sealed record Create(Shape Shape, int Seed) : Command
{
    public override bool IsRefused(World world) => world.Merged is not null;

    public override void Run(World world)
    {
        var adapter = new TrackedAdapter(world.Model.CreateAdapter(Shape.Config), Shape, Shape.Factors(Seed));
        adapter.WriteByHand();
        world.Adapters.Add(adapter);
    }
}

/// <summary>Writes values by hand, in training mode as the documentation asks.</summary>
internal sealed record Write(int Age, int Seed) : OneAdapterCommand(Age)
{
    public override void Run(World world)
    {
        var adapter = Of(world)!;
        adapter.NoteValues(adapter.Shape.Factors(Seed));
        var training = adapter.Real.training;
        adapter.Real.train();
        adapter.WriteByHand();
        adapter.Real.train(training);
    }
}

/// <summary>Writes values through the module's own door, in whichever mode it is.</summary>
internal sealed record LoadStateDict(int Age, int Seed) : OneAdapterCommand(Age)
{
    public override void Run(World world)
    {
        var adapter = Of(world)!;
        adapter.NoteValues(adapter.Shape.Factors(Seed));
        adapter.WriteByStateDict();
    }
}

internal sealed record Evaluate(int Age) : OneAdapterCommand(Age)
{
    public override void Run(World world) => Of(world)!.Real.eval();
}

internal sealed record Train(int Age) : OneAdapterCommand(Age)
{
    public override void Run(World world) => Of(world)!.Real.train();
}

internal sealed record MoveAdapter(int Age, ScalarType Dtype) : OneAdapterCommand(Age)
{
    public override void Run(World world)
    {
        var adapter = Of(world)!;
        adapter.Real.zero_grad();
        adapter.Real.to(Dtype);
        adapter.Gradients = null;
        adapter.Dtype = Dtype;
        adapter.NoteValues(adapter.Factors);
    }
}

internal sealed record Discard(int Age) : OneAdapterCommand(Age)
{
    public override void Run(World world)
    {
        Of(world)!.Real.Dispose();
        Of(world)!.IsDisposed = true;
    }
}

/// <summary>Saves an adapter, except one in float64, which PEFT's files do not come in.</summary>
internal sealed record Save(int Age, int Folder) : OneAdapterCommand(Age)
{
    public override bool IsPossible(World world) => Of(world) is { Dtype: not ScalarType.Float64 };

    public override bool IsRefused(World world) => Of(world)!.IsDisposed;

    public override void Run(World world)
    {
        Of(world)!.Real.Save(world.Folder(Folder));
        world.Saved[Folder] = (Of(world)!.Shape, new Dictionary<string, Factors>(Of(world)!.Factors));
    }
}

internal sealed record Load(int Folder) : Command
{
    public override bool IsPossible(World world) => world.Saved.ContainsKey(Folder);

    public override bool IsRefused(World world) => world.Merged is not null;

    public override void Run(World world)
    {
        var loaded = Echo.Adapter.Load(world.Folder(Folder), world.Model);
        world.Adapters.Add(new TrackedAdapter(loaded, world.Saved[Folder].Shape, world.Saved[Folder].Factors));
    }
}
