using System.ComponentModel;
using LoraGen.Merging;

namespace LoraGen;

/// <summary>
/// What is switched on in one <see cref="LoraModelAttribute"/> object; generated code holds one. Not a Module on purpose: TorchSharp
/// registers Module fields, and an adapter inside the base would change the base's <c>state_dict</c>.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class LoraState<TAdapter>
    where TAdapter : LoraAdapter
{
    private MergedWeights? _mergedWeights;

    /// <summary>The adapter that the projections add.</summary>
    public TAdapter? Active { get; set; }

    /// <summary>The adapter that the weights carry.</summary>
    public TAdapter? Merged { get; private set; }

    /// <summary>See <see cref="ILoraModel{TAdapter}.ActiveAdapter"/>.</summary>
    public void Activate(ILoraModel<TAdapter> model, TAdapter? adapter)
    {
        if (adapter is not null)
        {
            foreach (var site in LoraSites.Of(model, adapter))
            {
                site.RequireAttachable();
            }
        }

        model.Attach(adapter);
    }

    /// <summary>See <see cref="ILoraModel{TAdapter}.Merge"/>.</summary>
    public void Merge(ILoraModel<TAdapter> model, TAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        if (Active is not null && !ReferenceEquals(Active, adapter))
        {
            throw new LoraException("Merge: another adapter is active. Set ActiveAdapter to null first, or merge the active adapter.");
        }

        _mergedWeights = MergedWeights.Merge(LoraSites.Of(model, adapter));
        Merged = adapter;
        model.Attach(null);
    }

    /// <summary>See <see cref="ILoraModel{TAdapter}.Unmerge"/>.</summary>
    public void Unmerge(ILoraModel<TAdapter> model)
    {
        if (_mergedWeights is null)
        {
            throw new LoraException($"Unmerge: nothing is merged into this {model.GetType().Name}. Unmerge where Merge was called.");
        }

        _mergedWeights.Restore();
        _mergedWeights = null;
        Merged = null;
    }
}
