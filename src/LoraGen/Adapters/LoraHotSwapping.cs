using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Other values for an adapter that stays the same object.</summary>
public static class LoraHotSwapping
{
    /// <summary>
    /// Reads an adapter's files into the tensors of another (PEFT: <c>hotswap_adapter</c>), which then computes what the files' adapter computes, wherever
    /// it is in use: as the active one, in the rows of a mixed batch, in an optimizer. A projection that the files do not adapt gets an update of zero (A and B are 0), or the base's
    /// weight where it is saved whole. Gradients are freed; the config stays the old one, and so do mode and <c>requires_grad</c>. Needs the memory of a second adapter meanwhile.
    /// </summary>
    /// <param name="model">The base, with nothing merged into it.</param>
    /// <param name="adapter">What gets the values.</param>
    /// <param name="folder">The folder that <c>Save</c> or PEFT wrote.</param>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">
    /// As the adapter's <c>Load</c>; or the files adapt a projection that the adapter does not, or with another rank, alpha, dropout or use of DoRA, or the
    /// adapter keeps its start out of the base beside A and B. No value has changed then.
    /// </exception>
    public static void HotSwap<TAdapter>(this ILoraModel<TAdapter> model, TAdapter adapter, string folder)
        where TAdapter : LoraAdapter
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(adapter);
        adapter.RequireOwn(nameof(HotSwap));
        var sites = LoraSites.Of(model, adapter);
        foreach (var site in sites)
        {
            site.RequireAttachable();
        }

        using var loaded = AdapterBuilder.Load(folder, model);
        if (adapter.BaseFingerprint is { } found && found != loaded.BaseFingerprint)
        {
            throw new LoraException($"HotSwap: the adapter was made for a base of other weights, or for these in another dtype: expected the fingerprint {loaded.BaseFingerprint}, found {found}.");
        }

        var swaps = sites.Zip(LoraSites.Of(model, loaded), (site, other) => (site, other.Update)).ToList();
        foreach (var (site, other) in swaps)
        {
            site.Update.RequireSwappable(other, folder);
        }

        using var inference = no_grad();
        foreach (var (site, other) in swaps.Where(swap => swap.site.Update.HasEffect))
        {
            site.Update.TakeFrom(other, site.Projection);
        }

        adapter.zero_grad();
    }
}
