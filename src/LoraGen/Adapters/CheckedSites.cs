using LoraGen.Merging;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// Sites whose updates were found to fit, so that a swap back to the same adapter need not look at every shape and device again: it asks
/// whether each tensor is still the one that was looked at, since moving a module makes new ones.
/// </summary>
internal sealed class CheckedSites
{
    private readonly (nn.Module Projection, WeakReference<Parameter> Weight, LowRankUpdate Update, int Moves)[] _sites;

    /// <param name="sites">Those that passed <see cref="LoraSite.RequireAttachable"/>.</param>
    public CheckedSites(IEnumerable<LoraSite> sites) => _sites =
    [
        .. from site in sites
           where site.Update.HasEffect
           select (site.Projection, new WeakReference<Parameter>(ProjectionWeight.Of(site.Projection)), site.Update, site.Update.Moves),
    ];

    /// <summary>Whether they are as they were, and no weight anywhere carries an adapter.</summary>
    /// <exception cref="LoraException">An update was disposed.</exception>
    public bool AreUnchanged()
    {
        if (!MergedWeights.AreNone)
        {
            return false;
        }

        foreach (var (projection, weight, update, moves) in _sites)
        {
            update.RequireAlive();
            if (update.Moves != moves || !weight.TryGetTarget(out var known) || known.IsInvalid || !ReferenceEquals(known, ProjectionWeight.Of(projection)))
            {
                return false;
            }
        }

        return true;
    }
}
