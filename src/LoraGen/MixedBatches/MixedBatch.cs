using LoraGen.MixedBatches;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// Another adapter, or none, for each row of a batch, in inference and in training. The base computes the whole batch at once; each row
/// then gets its own adapter's update, as if it had been computed with that adapter alone.
/// <code>
/// using var mixed = new MixedBatch&lt;Gpt2.Adapter&gt;(model) { Rows = [french, german, null, french] };
/// model.ActiveAdapter = mixed.Adapter;
/// </code>
/// </summary>
/// <remarks>
/// A row is one index of the first axis of each projection's input, [batch, ..., in], of a convolution one image; a model that folds its batch into another axis before a
/// projection cannot be given mixed batches. Rows of one adapter that lie next to each other are computed without a copy, so
/// sort them. What a row's adapter saves whole (<see cref="LoraConfig.ModulesToSave"/>), such as a head of its own, computes that row; all heads have the base's width, since
/// their rows make one tensor. Not safe to be changed while another thread calls the model.
/// </remarks>
public sealed class MixedBatch<TAdapter> : IDisposable
    where TAdapter : LoraAdapter
{
    private readonly ILoraModel<TAdapter> _model;
    private readonly MixedForm _form;
    private readonly IReadOnlyList<LoraSite> _sites;
    private IReadOnlyList<Segment> _segments = [];
    private bool _isDisposed;

    /// <param name="model">The base that the rows' adapters are for.</param>
    /// <param name="form">How to compute.</param>
    /// <exception cref="LoraException">The form is no member, or the base cannot have adapters; see <see cref="ILoraModel{TAdapter}.CreateAdapter"/>.</exception>
    public MixedBatch(ILoraModel<TAdapter> model, MixedForm form = MixedForm.Loop)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!Enum.IsDefined(form))
        {
            throw new LoraException($"{nameof(MixedForm)}: expected one of its members, found {form}.");
        }

        (_model, _form) = (model, form);
        Adapter = AdapterBuilder.CreateEmpty(model);
        _sites = LoraSites.Of(model, Adapter);
        var choice = new FormChoice();
        foreach (var site in _sites)
        {
            site.Update.Mixed = new MixedRows(choice);
        }
    }

    /// <summary>
    /// What to set <see cref="ILoraModel{TAdapter}.ActiveAdapter"/> to. It has no A and no B, and so no parameters to train and nothing to save
    /// or to merge: its rows' adapters have.
    /// </summary>
    public TAdapter Adapter { get; }

    /// <summary>
    /// The adapter of each row of the batches to come; null stands for the base alone. Empty until it is set, and no batch is computed until
    /// then. The adapters are not owned: they are trained, saved and disposed as always.
    /// </summary>
    /// <exception cref="LoraException">There is no row, an adapter does not fit the model or was made for other weights, or it is not finite and the form is not <see cref="MixedForm.Loop"/>.</exception>
    public IReadOnlyList<TAdapter?> Rows
    {
        get;
        set
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            ArgumentNullException.ThrowIfNull(value);
            var segments = Segment.Of(value);
            var bySegment = segments.Select(segment => Sites(value[segment.First]!, segment.First)).ToList();
            for (var i = 0; i < _sites.Count; i++)
            {
                _sites[i].Update.Mixed!.Assign(_form, value.Count, [.. segments.Zip(bySegment, (segment, sites) => (segment, sites[i].Update)).Where(item => item.Update.HasEffect)]);
            }

            Free(_segments);
            (field, _segments) = ([.. value], segments);
        }
    } = [];

    private IReadOnlyList<LoraSite> Sites(TAdapter adapter, int row)
    {
        adapter.RequireOwn($"Row {row}");
        var sites = LoraSites.Of(_model, adapter);
        foreach (var site in sites)
        {
            site.RequireAttachable();
            RequireFinite(site, row);
        }

        if (adapter.BaseFingerprint is { } found && found != Adapter.BaseFingerprint)
        {
            throw new LoraException($"Row {row}: the adapter was made for a base of other weights, or for these in another dtype: expected the fingerprint {Adapter.BaseFingerprint}, found {found}.");
        }

        return sites;
    }

    // A mask multiplies what is another row's by 0, and 0 times NaN is NaN.
    private void RequireFinite(LoraSite site, int row)
    {
        if (_form != MixedForm.Loop && site.Update.IsTargeted && !site.Update.IsFinite())
        {
            throw new LoraException($"Row {row}: {site.Path}: expected finite A and B for {nameof(MixedForm)}.{_form}, in which one adapter's NaN would reach the other rows, found NaN or infinity. Leave the adapter out, or take {nameof(MixedForm)}.{nameof(MixedForm.Loop)}.");
        }
    }

    /// <summary>Frees what was kept between calls; the rows' adapters stay. Set the model's <c>ActiveAdapter</c> to another first.</summary>
    public void Dispose()
    {
        foreach (var site in _sites)
        {
            site.Update.Mixed!.Dispose();
        }

        Free(_segments);
        _isDisposed = true;
        Adapter.Dispose();
    }

    private static void Free(IReadOnlyList<Segment> segments)
    {
        foreach (var segment in segments)
        {
            segment.Dispose();
        }
    }
}
