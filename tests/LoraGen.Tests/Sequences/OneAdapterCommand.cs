namespace LoraGen.Tests.Sequences;

/// <summary>A command to one adapter; there is something to do it to unless the adapter was disposed.</summary>
/// <param name="Age">Which adapter: 0 for the last that was made, 1 for the one before.</param>
internal abstract record OneAdapterCommand(int Age) : Command
{
    public override bool IsPossible(World world) => Of(world) is { IsDisposed: false };

    protected TrackedAdapter? Of(World world) => Of(world, Age);

    protected static TrackedAdapter? Of(World world, int age) => age < world.Adapters.Count ? world.Adapters[^(age + 1)] : null;
}
