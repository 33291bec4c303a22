using System.ComponentModel;
using System.Runtime.CompilerServices;
using LoraGen.Merging;
using TorchSharp;

namespace LoraGen;

/// <summary>
/// What is switched on in one <see cref="LoraModelAttribute"/> object; generated code holds one. Not a Module on purpose: TorchSharp
/// registers Module fields, and an adapter inside the base would change the base's <c>state_dict</c>.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class LoraState<TAdapter>
    where TAdapter : LoraAdapter
{
    private readonly ConditionalWeakTable<TAdapter, CheckedSites> _checked = [];
    private MergedWeights? _mergedWeights;
    private string? _baseFingerprint;

    /// <summary>The adapter that the projections add.</summary>
    public TAdapter? Active
    {
        get;
        set
        {
            AttachedParts.Note(this);
            field = value;
        }
    }

    /// <summary>The adapter that the weights carry.</summary>
    public TAdapter? Merged { get; private set; }

    /// <summary>See <see cref="ILoraModel{TAdapter}.CreateAdapter"/>.</summary>
    public TAdapter Create(ILoraModel<TAdapter> model, LoraConfig? config, torch.Generator? generator)
        => OfThisBase(AdapterBuilder.Create(model, config, generator));

    /// <summary>Reads an adapter in PEFT's format. Every key, shape and value is checked before the adapter exists.</summary>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">A file is missing, malformed or truncated, or belongs to another model or another method.</exception>
    public TAdapter Load(string folder, ILoraModel<TAdapter> model) => OfThisBase(AdapterBuilder.Load(folder, model));

    /// <summary>See <see cref="ILoraModel{TAdapter}.ActiveAdapter"/>.</summary>
    public void Activate(ILoraModel<TAdapter> model, TAdapter? adapter)
    {
        if (adapter is not null && !(IsForKnownBase(adapter) && _checked.TryGetValue(adapter, out var known) && known.AreUnchanged()))
        {
            _checked.AddOrUpdate(adapter, new CheckedSites(AttachableSites(model, adapter)));
        }

        model.Attach(adapter);
    }

    /// <summary>See <see cref="ILoraModel{TAdapter}.Merge"/>.</summary>
    public void Merge(ILoraModel<TAdapter> model, TAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        adapter.RequireOwn("Merge");
        if (Active is not null && !ReferenceEquals(Active, adapter))
        {
            throw new LoraException("Merge: another adapter is active. Set ActiveAdapter to null first, or merge the active adapter.");
        }

        var sites = AttachableSites(model, adapter);
        TiedWeights.RequireNone((torch.nn.Module)model, sites);
        _mergedWeights = MergedWeights.Merge(sites);
        Merged = adapter;

        // Only what is active here is known to be this adapter; a part of the model may have another, which is then refused when called.
        if (Active is not null)
        {
            model.Attach(null);
        }
    }

    /// <summary>See <see cref="ILoraModel{TAdapter}.Unmerge"/>.</summary>
    public void Unmerge(ILoraModel<TAdapter> model)
    {
        if (_mergedWeights is null)
        {
            throw new LoraException($"Unmerge: nothing is merged into this {model.GetType().Name}. Unmerge where Merge was called.");
        }

        if (_mergedWeights.IsSuspended)
        {
            throw new LoraException($"Unmerge: {nameof(LoraDisabling.DisableAdapter)} has taken the merged adapter out of the weights and will put it back. End that scope first.");
        }

        _mergedWeights.Restore();
        _mergedWeights = null;
        Merged = null;
    }

    private IReadOnlyList<LoraSite> AttachableSites(ILoraModel<TAdapter> model, TAdapter adapter)
    {
        var sites = LoraSites.Of(model, adapter);
        foreach (var site in sites)
        {
            site.RequireAttachable();
        }

        RequireThisBase(model, adapter);
        return sites;
    }

    private TAdapter OfThisBase(TAdapter adapter)
    {
        _baseFingerprint = adapter.BaseFingerprint;
        return adapter;
    }

    private bool IsForKnownBase(TAdapter adapter) => adapter.BaseFingerprint is null || adapter.BaseFingerprint == _baseFingerprint;

    // Equal shapes do not make an adapter fit. The base is read anew only where the adapter was not made from this object as it is known.
    private void RequireThisBase(ILoraModel<TAdapter> model, TAdapter adapter)
    {
        if (IsForKnownBase(adapter))
        {
            return;
        }

        _baseFingerprint = BaseFingerprint.Of((torch.nn.Module)model);
        if (adapter.BaseFingerprint != _baseFingerprint)
        {
            throw new LoraException($"The adapter was made for a base of other weights, or for these in another dtype: expected the fingerprint {_baseFingerprint}, found {adapter.BaseFingerprint}. Load it for this base, or train a new one.");
        }
    }
}
