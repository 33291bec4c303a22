using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Merging;

/// <summary>Weights that carry an adapter, with the original bits beside them.</summary>
internal sealed class MergedWeights
{
    // Which projections carry an adapter now, whichever part of a model it was merged through, and wherever the model was moved since.
    private static readonly ConditionalWeakTable<nn.Module, MergedWeights> Projections = [];

    // Which memory does, whichever projection reaches it: two models may share a base. Weak, since a model may be dropped while merged.
    private static ImmutableDictionary<WeightMemory, WeakReference<MergedWeights>> memories = ImmutableDictionary<WeightMemory, WeakReference<MergedWeights>>.Empty;

    private readonly List<Entry> _entries = [];
    private readonly WeakReference<MergedWeights> _claim;
    private ImmutableList<WeightMemory> _claimed = [];

    private MergedWeights() => _claim = new WeakReference<MergedWeights>(this);

    // A model that was dropped while merged takes this with it; its claims would stay, and every call of every model would look at them.
    ~MergedWeights() => Release();

    /// <summary>Whether a projection's weight carries an adapter.</summary>
    public static bool Holds(nn.Module projection)
        => !memories.IsEmpty
        && (Projections.TryGetValue(projection, out _)
            || (memories.TryGetValue(WeightMemory.Of(ProjectionWeight.Of(projection)), out var holder) && holder.TryGetTarget(out _)));

    /// <summary>Checks, at next to no cost as long as nothing is merged anywhere, that an update is not added to a weight that carries one.</summary>
    /// <exception cref="LoraException">The weight carries one.</exception>
    public static void RequireNone(string path, nn.Module projection)
    {
        if (Holds(projection))
        {
            throw new LoraException(
                $"{path}: its weight carries an adapter that was merged through another model or part that shares the weight, so that this one would be added to it. Call Unmerge there, or set ActiveAdapter to null here.");
        }
    }

    /// <summary>
    /// Writes W0 + (alpha / r) B A, or what the update's variant makes of W0, in the weight's own shape, into every targeted weight. Every sum is made twice, for it is checked before any weight is written, and
    /// to keep all of them until then would take the base's memory once more.
    /// </summary>
    /// <param name="sites">Sites that can take their updates.</param>
    /// <exception cref="LoraException">A sum is not finite, or another model that shares a weight merged into it at the same time; no weight was touched.</exception>
    public static MergedWeights Merge(IReadOnlyList<LoraSite> sites)
    {
        var targeted = sites.Where(site => site.Update.IsTargeted).ToList();
        targeted.ForEach(RequireFinite);
        var merged = new MergedWeights();
        try
        {
            targeted.ForEach(merged.Claim);
            targeted.ForEach(merged.Write);
            return merged;
        }
        catch
        {
            merged.Restore();
            throw;
        }
    }

    private static void RequireFinite(LoraSite site)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        if (!Sum(site).isfinite().all().item<bool>())
        {
            throw new LoraException($"{site.Path}: expected finite weights after merging, found NaN or infinity. The adapter or the base is broken; the base is unchanged.");
        }
    }

    // One rounding: the sum is made in fp32, or in float64 where the base or the adapter is, and only then brought to the base's dtype.
    private static Tensor Sum(LoraSite site)
    {
        var weight = ProjectionWeight.Of(site.Projection);
        var wide = weight.dtype == ScalarType.Float64 || site.Update.A.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        return site.Update.Merged(site.Projection, wide).to_type(weight.dtype);
    }

    private void Claim(LoraSite site)
    {
        var memory = WeightMemory.Of(ProjectionWeight.Of(site.Projection));
        if (_claim != ImmutableInterlocked.AddOrUpdate(ref memories, memory, _claim, (_, holder) => holder.TryGetTarget(out var _) ? holder : _claim))
        {
            throw new LoraException(
                $"{site.Path}: its weight came to carry an adapter meanwhile, merged through another model that shares it; one weight cannot carry two updates. The base is unchanged. Call Unmerge there first.");
        }

        _claimed = _claimed.Add(memory);
    }

    private void Write(LoraSite site)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var weight = ProjectionWeight.Of(site.Projection);
        _entries.Add(new Entry(site.Projection, WeightMemory.Of(weight), Keep(weight.alias()), Keep(weight.clone())));
        Projections.Add(site.Projection, this);
        weight.copy_(Sum(site));

        static Tensor Keep(Tensor tensor) => tensor.DetachFromDisposeScope();
    }

    private void Release()
    {
        foreach (var memory in _claimed)
        {
            ImmutableInterlocked.Update(ref memories, (all, own) => all.TryGetValue(own.Memory, out var holder) && holder == own.Claim ? all.Remove(own.Memory) : all, (Memory: memory, Claim: _claim));
        }

        _claimed = [];
    }

    /// <summary>
    /// Puts the original bits back. If the model was moved to another dtype or device since, then the weight where it is now becomes the
    /// original in that dtype, rounded once, and the memory that was merged into, which another model may share, becomes the original too.
    /// A projection that was disposed since needs nothing, and is passed over.
    /// </summary>
    public void Restore()
    {
        using var inference = no_grad();
        foreach (var (projection, memory, weight, original) in _entries)
        {
            weight.copy_(original);
            var now = ProjectionWeight.Of(projection);
            if (!now.IsInvalid && WeightMemory.Of(now) != memory)
            {
                now.copy_(original);
            }

            Projections.Remove(projection);
            weight.Dispose();
            original.Dispose();
        }

        _entries.Clear();
        Release();
        GC.SuppressFinalize(this);
    }

    /// <param name="Projection">Whose weight it is.</param>
    /// <param name="Memory">Where the weight lay when it was merged.</param>
    /// <param name="Weight">A second handle to that memory: as long as it is recorded it must be nobody else's.</param>
    /// <param name="Original">The weight's bits before.</param>
    private sealed record Entry(nn.Module Projection, WeightMemory Memory, Tensor Weight, Tensor Original);
}
