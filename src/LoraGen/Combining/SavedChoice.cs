namespace LoraGen.Combining;

/// <summary>Whose projections that are saved whole a combination has.</summary>
internal static class SavedChoice
{
    /// <summary>The adapter, or null where none has any.</summary>
    /// <exception cref="LoraException">Several have some and the options do not choose, they choose none of the adapters, or another one adapts what the chosen one saves whole.</exception>
    public static TAdapter? Of<TAdapter>(IReadOnlyList<TAdapter> adapters, CombineOptions options)
        where TAdapter : LoraAdapter
    {
        var saving = adapters.Where(adapter => adapter.SavedProjections.Count > 0).Distinct().ToList();
        if (options.SavedModulesOf is { } number && (number < 0 || number >= adapters.Count))
        {
            throw new LoraException($"{nameof(CombineOptions)}: {nameof(CombineOptions.SavedModulesOf)}: expected the number of an adapter, from 0 to {adapters.Count - 1}, found {number}.");
        }

        if (options.SavedModulesOf is null && saving.Count > 1)
        {
            throw new LoraException($"Combine: expected at most one adapter that owns projections whole (modules_to_save), of which there is no sum, found {saving.Count}, of [{string.Join("], [", saving.Select(Owned))}]. Say which of them by {nameof(CombineOptions)}.{nameof(CombineOptions.SavedModulesOf)}.");
        }

        var chosen = options.SavedModulesOf is { } given ? adapters[given] : saving.SingleOrDefault();
        if (chosen?.SavedProjections.FirstOrDefault(own => adapters.Any(adapter => adapter.Updates.Any(update => update.Path == own.Path))) is { } both)
        {
            throw new LoraException($"Combine: {both.Path}: expected a projection that is saved whole or adapted, found one adapter that owns it whole (modules_to_save) and another that adapts it.");
        }

        return chosen;
    }

    private static string Owned(LoraAdapter adapter) => string.Join(", ", adapter.SavedProjections.Select(update => update.Path));
}
