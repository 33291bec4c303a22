namespace LoraGen.Tests.Sequences;

/// <summary>Begins a scope in which the model is its base.</summary>
internal sealed record BeginDisabled : Command
{
    public override void Run(World world) => world.NoteDisabled(world.Model.DisableAdapter());
}

/// <summary>Ends the innermost scope: what its beginning found is there again, whatever happened meanwhile.</summary>
internal sealed record EndDisabled : Command
{
    public override bool IsPossible(World world) => world.IsDisabled;

    public override void Run(World world) => world.NoteEnabled();
}
