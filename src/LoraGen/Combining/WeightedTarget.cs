using static TorchSharp.torch;

namespace LoraGen.Combining;

/// <summary>One projection, or one slice of it, and the updates that are to be combined there.</summary>
internal sealed record WeightedTarget(string Path, IReadOnlyList<WeightedUpdate> Updates)
{
    public int LargestRank => Updates.Max(item => item.Rank);

    /// <summary>The sum of w s B A.</summary>
    public ScaledFactors Sum() => ScaledFactors.Sum(Updates.Select(item => item.Factors));

    /// <summary>
    /// The projections that at least one of the adapters targets, each slice of a fused one for itself; an adapter that does not counts as zero
    /// there.
    /// </summary>
    /// <exception cref="LoraException">An adapter does not fit the model, or its values or its weight are not finite.</exception>
    public static IReadOnlyList<WeightedTarget> Of<TAdapter>(ILoraModel<TAdapter> model, IReadOnlyList<(TAdapter Adapter, double Weight)> adapters)
        where TAdapter : LoraAdapter
    {
        var bySite = adapters.Select((item, number) => Sites(model, item.Adapter, item.Weight, number)).ToList();
        return [.. Enumerable.Range(0, bySite[0].Count)
            .Select(i => bySite.Select((sites, number) => (sites[i].Update, adapters[number].Weight)).Where(item => item.Update.IsTargeted).ToList())
            .Where(updates => updates.Count > 0)
            .SelectMany(updates => Slices(updates[0].Update)
                .Select(slice => new WeightedTarget(updates[0].Update.Path, [.. updates.Select(item => new WeightedUpdate(item.Update, item.Weight, slice))])))];
    }

    private static IEnumerable<int?> Slices(LowRankUpdate update)
        => update.Slices is null ? [null] : Enumerable.Range(0, update.Slices.Trained.Count).Select(slice => (int?)slice);

    private static IReadOnlyList<LoraSite> Sites<TAdapter>(ILoraModel<TAdapter> model, TAdapter adapter, double weight, int number)
        where TAdapter : LoraAdapter
    {
        if (!double.IsFinite(weight))
        {
            throw new LoraException(FormattableString.Invariant($"Adapter {number}: weight: expected a finite number, found {weight}."));
        }

        ArgumentNullException.ThrowIfNull(adapter);
        adapter.RequireOwn("Combine");
        adapter.RequireNoBiasesOrRows("Combine");
        var sites = LoraSites.Of(model, adapter);
        foreach (var site in sites)
        {
            site.RequireAttachable();
            if (site.Update.IsTargeted)
            {
                site.Update.RequireProduct("Combine");
                RequireFinite(site, number);
            }
        }

        return sites;
    }

    private static void RequireFinite(LoraSite site, int number)
    {
        if (!site.Update.IsFinite())
        {
            throw new LoraException($"{site.Path}: expected finite A and B, found NaN or infinity in adapter {number} of those given.");
        }
    }
}
