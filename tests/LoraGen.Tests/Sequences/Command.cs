namespace LoraGen.Tests.Sequences;

/// <summary>
/// Something that a user does. A command that there is nothing to do to is passed over; one that makes no sense is done all the same, must
/// be refused, and must change nothing.
/// </summary>
internal abstract record Command
{
    /// <summary>Whether there is something to do it to.</summary>
    public virtual bool IsPossible(World world) => true;

    /// <summary>Whether the library has to refuse it.</summary>
    public virtual bool IsRefused(World world) => false;

    /// <summary>Does it to the library first and notes what must have come of it then.</summary>
    public abstract void Run(World world);
}
