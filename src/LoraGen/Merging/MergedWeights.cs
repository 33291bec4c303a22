using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Merging;

/// <summary>Weights that carry an adapter, with the original bits beside them.</summary>
internal sealed class MergedWeights
{
    // Which projections carry an adapter now, whichever part of a model it was merged through, and wherever the model was moved since.
    private static readonly ConditionalWeakTable<Linear, MergedWeights> Projections = [];

    // Which memory does, whichever projection reaches it: two models may share a base. Weak, since a model may be dropped while merged.
    private static ImmutableDictionary<WeightMemory, WeakReference<MergedWeights>> memories = ImmutableDictionary<WeightMemory, WeakReference<MergedWeights>>.Empty;

    private readonly List<Entry> _entries = [];

    private MergedWeights()
    {
    }

    /// <summary>Whether a projection's weight carries an adapter.</summary>
    public static bool Holds(Linear projection)
        => !memories.IsEmpty
        && (Projections.TryGetValue(projection, out _)
            || (memories.TryGetValue(WeightMemory.Of(projection.weight), out var holder) && holder.TryGetTarget(out _)));

    /// <summary>Checks, at next to no cost as long as nothing is merged anywhere, that an update is not added to a weight that carries one.</summary>
    /// <exception cref="LoraException">The weight carries one.</exception>
    public static void RequireNone(string path, Linear projection)
    {
        if (Holds(projection))
        {
            throw new LoraException(
                $"{path}: its weight carries an adapter that was merged through another model or part that shares the weight, so that this one would be added to it. Call Unmerge there, or set ActiveAdapter to null here.");
        }
    }

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

        // One rounding: the sum is made in fp32, or in float64 where the base or the adapter is, and only then brought to the base's dtype.
        var wide = weight.dtype == ScalarType.Float64 || site.Update.A.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var sum = (site.Update.Delta(wide) + weight).to_type(weight.dtype);
        if (!sum.isfinite().all().item<bool>())
        {
            throw new LoraException($"{site.Path}: expected finite weights after merging, found NaN or infinity. The adapter or the base is broken; the base is unchanged.");
        }

        var memory = WeightMemory.Of(weight);
        if (!Claim(memory))
        {
            throw new LoraException(
                $"{site.Path}: its weight shares its memory with that of another projection, which was merged before it; one weight cannot carry two updates. The base is unchanged. Leave one of the two out with {nameof(LoraConfig)}.{nameof(LoraConfig.TargetModules)}.");
        }

        _entries.Add(new Entry(site.Projection, memory, Keep(weight.alias()), Keep(weight.clone())));
        Projections.Add(site.Projection, this);
        weight.copy_(sum);

        static Tensor Keep(Tensor tensor) => tensor.DetachFromDisposeScope();
    }

    private bool Claim(WeightMemory memory)
    {
        var claim = new WeakReference<MergedWeights>(this);
        return claim == ImmutableInterlocked.AddOrUpdate(ref memories, memory, claim, (_, holder) => holder.TryGetTarget(out var _) ? holder : claim);
    }

    /// <summary>
    /// Puts the original bits back. If the model was moved to another dtype or device since, then the weight where it is now becomes the
    /// original in that dtype, rounded once, and the memory that was merged into, which another model may share, becomes the original too.
    /// </summary>
    public void Restore()
    {
        using var inference = no_grad();
        foreach (var (projection, memory, weight, original) in _entries)
        {
            weight.copy_(original);
            if (WeightMemory.Of(projection.weight) != memory)
            {
                projection.weight.copy_(original);
            }

            ImmutableInterlocked.TryRemove(ref memories, memory, out _);
            Projections.Remove(projection);
            weight.Dispose();
            original.Dispose();
        }

        _entries.Clear();
    }

    /// <param name="Projection">Whose weight it is.</param>
    /// <param name="Memory">Where the weight lay when it was merged.</param>
    /// <param name="Weight">A second handle to that memory: as long as it is recorded it must be nobody else's.</param>
    /// <param name="Original">The weight's bits before.</param>
    private sealed record Entry(Linear Projection, WeightMemory Memory, Tensor Weight, Tensor Original);
}
