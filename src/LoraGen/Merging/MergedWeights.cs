using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Merging;

/// <summary>Weights that carry an adapter, with the original bits beside them.</summary>
internal sealed class MergedWeights
{
    // Which projections carry an adapter now, whichever part of a model it was merged through.
    private static readonly ConditionalWeakTable<Linear, MergedWeights> Merged = [];

    private readonly List<(Linear Projection, Tensor Original)> _originals = [];

    private MergedWeights()
    {
    }

    /// <summary>Whether a projection's weight carries an adapter.</summary>
    public static bool Holds(Linear projection) => Merged.TryGetValue(projection, out _);

    /// <summary>Writes W0 + (alpha / r) B A into every targeted weight.</summary>
    /// <param name="sites">Sites that can take their updates.</param>
    /// <exception cref="LoraException">A sum is not finite; every weight is then as it was.</exception>
    public static MergedWeights Merge(IReadOnlyList<LoraSite> sites)
    {
        var merged = new MergedWeights();
        try
        {
            foreach (var site in sites.Where(site => site.Update.IsTargeted))
            {
                merged.Add(site);
            }

            return merged;
        }
        catch
        {
            merged.Restore();
            throw;
        }
    }

    private void Add(LoraSite site)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var weight = site.Projection.weight;

        // One rounding: the sum is made in fp32, or in the base's dtype where that is wider, and only then brought to the base's dtype.
        var sum = (site.Update.Delta() + weight).to_type(weight.dtype);
        if (!sum.isfinite().all().item<bool>())
        {
            throw new LoraException($"{site.Path}: expected finite weights after merging, found NaN or infinity. The adapter or the base is broken; the base is unchanged.");
        }

        _originals.Add((site.Projection, weight.detach().clone().DetachFromDisposeScope()));
        Merged.Add(site.Projection, this);
        weight.copy_(sum);
    }

    /// <summary>Puts the original bits back.</summary>
    public void Restore()
    {
        using var inference = no_grad();
        foreach (var (projection, original) in _originals)
        {
            projection.weight.copy_(original);
            original.Dispose();
            Merged.Remove(projection);
        }

        _originals.Clear();
    }
}
