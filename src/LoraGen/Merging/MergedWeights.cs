using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static LoraGen.ProjectionWeight;
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

    /// <summary>Whether no weight of any model carries an adapter.</summary>
    public static bool AreNone => memories.IsEmpty;

    /// <summary>Whether a projection's weight carries an adapter.</summary>
    public static bool Holds(nn.Module projection)
        => !AreNone
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
    /// Writes W0 + (alpha / r) B A, or what the update's variant makes of W0, in the weight's own shape, into every targeted weight, and what is saved whole into its projection's weight and bias. Every sum is made twice, for it is checked before any weight is written, and
    /// to keep all of them until then would take the base's memory once more.
    /// </summary>
    /// <param name="sites">Sites that can take their updates.</param>
    /// <exception cref="LoraException">A sum is not finite, or another model that shares a weight merged into it at the same time; no weight was touched.</exception>
    public static MergedWeights Merge(IReadOnlyList<LoraSite> sites)
    {
        var targeted = sites.Where(site => site.Update.HasEffect).ToList();
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
        if (!Names(site).All(name => Value(site, name).isfinite().all().item<bool>()))
        {
            throw new LoraException($"{site.Path}: expected finite weights after merging, found NaN or infinity. The adapter or the base is broken; the base is unchanged.");
        }
    }

    /// <summary>The parameters of a projection that a merge writes into.</summary>
    public static IEnumerable<Parameter> ParametersOf(LoraSite site) => Names(site).Select(name => site.Projection.get_parameter(name)!);

    private static string[] Names(LoraSite site) => site.Update is { IsSaved: true, Bias: not null } ? [WeightName, BiasName] : [WeightName];

    private static Tensor Value(LoraSite site, string name) => site.Update.IsSaved
        ? site.Update.get_parameter(name)!.to_type(site.Projection.get_parameter(name)!.dtype)
        : Sum(site);

    /// <summary>The merged weight. One rounding: the sum is made in fp32, or in float64 where the base or the adapter is, and only then brought to the base's dtype.</summary>
    public static Tensor Sum(LoraSite site)
    {
        var weight = ProjectionWeight.Of(site.Projection);
        var wide = weight.dtype == ScalarType.Float64 || site.Update.A.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        return site.Update.Merged(site.Projection, wide).to_type(weight.dtype);
    }

    private void Claim(LoraSite site)
    {
        foreach (var parameter in ParametersOf(site))
        {
            Claim(site.Path, WeightMemory.Of(parameter));
        }
    }

    private void Claim(string path, WeightMemory memory)
    {
        if (_claim != ImmutableInterlocked.AddOrUpdate(ref memories, memory, _claim, (_, holder) => holder.TryGetTarget(out var _) ? holder : _claim))
        {
            throw new LoraException(
                $"{path}: its weight came to carry an adapter meanwhile, merged through another model that shares it; one weight cannot carry two updates. The base is unchanged. Call Unmerge there first.");
        }

        _claimed = _claimed.Add(memory);
    }

    private void Write(LoraSite site)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        Projections.Add(site.Projection, this);
        foreach (var name in Names(site))
        {
            var parameter = site.Projection.get_parameter(name)!;
            _entries.Add(new Entry(site.Projection, name, WeightMemory.Of(parameter), Keep(parameter.alias()), Keep(parameter.clone())));
            parameter.copy_(Value(site, name));
        }

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
        foreach (var (projection, name, memory, parameter, original) in _entries)
        {
            parameter.copy_(original);
            var now = projection.get_parameter(name)!;
            if (!now.IsInvalid && WeightMemory.Of(now) != memory)
            {
                now.copy_(original);
            }

            Projections.Remove(projection);
            parameter.Dispose();
            original.Dispose();
        }

        _entries.Clear();
        Release();
        GC.SuppressFinalize(this);
    }

    /// <param name="Projection">Whose parameter it is.</param>
    /// <param name="Name">The parameter's name.</param>
    /// <param name="Memory">Where the parameter lay when it was merged.</param>
    /// <param name="Parameter">A second handle to that memory: as long as it is recorded it must be nobody else's.</param>
    /// <param name="Original">The parameter's bits before.</param>
    private sealed record Entry(nn.Module Projection, string Name, WeightMemory Memory, Tensor Parameter, Tensor Original);
}
