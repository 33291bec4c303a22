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
    private List<(Tensor Held, Tensor? Moved)>? _suspended;

    private MergedWeights() => _claim = new WeakReference<MergedWeights>(this);

    // A model that was dropped while merged takes this with it; its claims would stay, and every call of every model would look at them.
    ~MergedWeights() => Release();

    /// <summary>Whether no weight of any model carries an adapter.</summary>
    public static bool AreNone => memories.IsEmpty;

    /// <summary>Whether a projection's weight or bias carries an adapter.</summary>
    public static bool Holds(nn.Module projection) => !AreNone && (Projections.TryGetValue(projection, out _) || InMemoryOf(projection).Any());

    // Where an adapter owns biases alone, the weight beside one carries nothing.
    private static IEnumerable<MergedWeights> InMemoryOf(nn.Module module)
    {
        foreach (var name in new[] { WeightName, BiasName })
        {
            if (module.get_parameter(name) is { IsInvalid: false } parameter
                && memories.TryGetValue(WeightMemory.Of(parameter), out var holder) && holder.TryGetTarget(out var merge))
            {
                yield return merge;
            }
        }
    }

    /// <summary>All merges that a model or a part of it carries.</summary>
    /// <exception cref="LoraException">A weight carries an adapter that was merged through another model.</exception>
    public static IReadOnlyCollection<MergedWeights> In(nn.Module model)
    {
        if (memories.IsEmpty)
        {
            return [];
        }

        var modules = model.named_modules().ToList();
        var own = modules.Select(item => Projections.TryGetValue(item.module, out var merge) ? merge : null).OfType<MergedWeights>().ToHashSet();
        foreach (var (path, module) in modules)
        {
            if (InMemoryOf(module).Any(merge => !own.Contains(merge)))
            {
                throw new LoraException($"{path}: its weight carries an adapter that was merged through another model that shares the weight, so that it is not the base's. Call Unmerge there, or disable the adapter there.");
            }
        }

        return own;
    }

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
    /// Writes W0 + (alpha / r) B A, or what the update's variant makes of W0, in the weight's own shape, into every targeted weight, the bias that comes of b0 and b_B into its bias, and what the adapter owns of a projection over the projection's. Every sum is made twice, for it is checked before any weight is written, and
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

    /// <summary>Checks that there is a bias which B's can be added to.</summary>
    /// <exception cref="LoraException">There is none.</exception>
    public static void RequireBiasToWrite(LoraSite site)
    {
        if (site.Update.BBias is not null && site.Projection.get_parameter(BiasName) is null)
        {
            throw new LoraException($"{site.Path}: expected a base with a bias, which B's bias (lora_bias) could be merged into, found none, as PEFT refuses it too. Keep the adapter active instead.");
        }
    }

    private static void RequireFinite(LoraSite site)
    {
        RequireBiasToWrite(site);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        if (!Names(site).All(name => Value(site, name).isfinite().all().item<bool>()))
        {
            throw new LoraException($"{site.Path}: expected finite weights after merging, found NaN or infinity. The adapter or the base is broken; the base is unchanged.");
        }
    }

    /// <summary>The parameters of a projection that a merge writes into.</summary>
    public static IEnumerable<Parameter> ParametersOf(LoraSite site) => Names(site).Select(name => site.Projection.get_parameter(name)).OfType<Parameter>();

    /// <summary>Their names.</summary>
    public static IEnumerable<string> Names(LoraSite site)
        => (site.Update.ChangesWeight ? [WeightName] : Array.Empty<string>()).Concat(site.Update.ChangesBias ? [BiasName] : []);

    /// <summary>What a merge writes into one of them.</summary>
    public static Tensor Value(LoraSite site, string name) => name == WeightName
        ? Sum(site)
        : site.Update.MergedBias(site.Projection, WideFor(site)).to_type(site.Projection.get_parameter(name)!.dtype);

    /// <summary>The merged weight. One rounding: the sum is made in fp32, or in float64 where the base or the adapter is, and only then brought to the base's dtype.</summary>
    public static Tensor Sum(LoraSite site) => site.Update.Merged(site.Projection, WideFor(site)).to_type(ProjectionWeight.Of(site.Projection).dtype);

    private static ScalarType WideFor(LoraSite site)
        => site.Update.parameters().Append(ProjectionWeight.Of(site.Projection)).Any(parameter => parameter.dtype == ScalarType.Float64) ? ScalarType.Float64 : ScalarType.Float32;

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
        foreach (var entry in _entries)
        {
            Put(entry, entry.Original, entry.Original);
            Projections.Remove(entry.Projection);
            entry.Parameter.Dispose();
            entry.Original.Dispose();
        }

        _entries.Clear();
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Whether the weights are the base's for a while.</summary>
    public bool IsSuspended => _suspended is not null;

    /// <summary>Puts the original bits in the place of the merged ones, which are kept.</summary>
    public void Suspend()
    {
        using var inference = no_grad();
        _suspended = [.. _entries.Select(entry => (Keep(entry.Parameter.clone()), Moved(entry) is { } moved ? Keep(moved.clone()) : null))];
        foreach (var entry in _entries)
        {
            Put(entry, entry.Original, entry.Original);
        }
    }

    /// <summary>Puts the merged bits back; in another dtype, where the model was moved to one meanwhile.</summary>
    public void Resume()
    {
        using var inference = no_grad();
        foreach (var (entry, (held, moved)) in _entries.Zip(_suspended!))
        {
            Put(entry, held, moved ?? held);
            held.Dispose();
            moved?.Dispose();
        }

        _suspended = null;
    }

    private static void Put(Entry entry, Tensor bits, Tensor moved)
    {
        entry.Parameter.copy_(bits);
        Moved(entry)?.copy_(moved);
    }

    // The parameter, where the model was moved since it was merged.
    private static Parameter? Moved(Entry entry)
        => entry.Projection.get_parameter(entry.Name) is { IsInvalid: false } now && WeightMemory.Of(now) != entry.Memory ? now : null;

    private static Tensor Keep(Tensor tensor) => tensor.DetachFromDisposeScope();

    /// <param name="Projection">Whose parameter it is.</param>
    /// <param name="Name">The parameter's name.</param>
    /// <param name="Memory">Where the parameter lay when it was merged.</param>
    /// <param name="Parameter">A second handle to that memory: as long as it is recorded it must be nobody else's.</param>
    /// <param name="Original">The parameter's bits before.</param>
    private sealed record Entry(nn.Module Projection, string Name, WeightMemory Memory, Tensor Parameter, Tensor Original);
}
