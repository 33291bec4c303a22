namespace LoraGen;

/// <summary>
/// What each part of a model had as its adapter before another was attached. Only the generated code knows the parts, and it tells each of
/// them by <see cref="LoraState{TAdapter}.Active"/>; so that is where one looks.
/// </summary>
internal static class AttachedParts
{
    [ThreadStatic]
    private static List<Action>? noted;

    /// <summary>Attaches something, and returns what puts each part's own back.</summary>
    public static IReadOnlyList<Action> Replaced(Action attach)
    {
        List<Action> parts = [];
        noted = parts;
        try
        {
            attach();
            return parts;
        }
        finally
        {
            noted = null;
        }
    }

    /// <summary>Notes what a part has, before it is replaced.</summary>
    public static void Note<TAdapter>(LoraState<TAdapter> part)
        where TAdapter : LoraAdapter
    {
        if (noted is not null)
        {
            Add(noted, part, part.Active);
        }

        // Apart, so that a swap makes no closure.
        static void Add(List<Action> parts, LoraState<TAdapter> part, TAdapter? active) => parts.Add(() => part.Active = active);
    }
}
