using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Looks at what the base's projections are called with, as long as it is not disposed.</summary>
internal sealed class ActivationCollector : IDisposable
{
    private readonly IReadOnlyList<TargetActivations> _targets;
    private readonly double _tau;
    private readonly Generator? _generator;
    private readonly List<nn.Module<Tensor, Tensor>.HookRemover> _hooks;
    private readonly HashSet<ActivationSpectrum> _spectra;
    private readonly List<(Tensor Input, double Sum, ActivationSpectrum Before, ActivationSpectrum After)> _seen = [];
    private Tensor? _mask;

    /// <param name="targets">The projections.</param>
    /// <param name="tau">The cosine from which a direction counts as found.</param>
    /// <param name="generator">Source of the decompositions' first vectors.</param>
    public ActivationCollector(IReadOnlyList<TargetActivations> targets, double tau, Generator? generator)
    {
        (_targets, _tau, _generator) = (targets, tau, generator);
        _spectra = [.. targets.Select(target => target.Spectrum)];
        _hooks = [.. targets.Select(target => ((nn.Module<Tensor, Tensor>)target.Site.Projection).register_forward_pre_hook((_, x) =>
        {
            Add(target, x);
            return x;
        }))];
    }

    /// <summary>Looks at one batch.</summary>
    /// <param name="forward">Calls the model.</param>
    /// <param name="mask">Which vectors count, or null for all.</param>
    public void Collect(Action forward, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        _mask = mask;
        forward();
        _seen.Clear();
        var current = _targets.Select(target => target.Spectrum).ToHashSet();
        foreach (var spectrum in _spectra.Where(spectrum => !current.Contains(spectrum)))
        {
            spectrum.Dispose();
        }

        _spectra.IntersectWith(current);
    }

    private void Add(TargetActivations target, Tensor x)
    {
        if (target.IsConverged)
        {
            return;
        }

        using var scope = NewDisposeScope();

        // One object is one input, as of q, k and v, unless something has written into it meanwhile.
        var sum = x.sum(ScalarType.Float64).item<double>();
        if (!double.IsFinite(sum))
        {
            throw new LoraException($"{target.Site.Path}: expected finite activations, found NaN or infinity. The base or the batch is broken.");
        }

        var before = target.Spectrum;
        if (_seen.FirstOrDefault(item => ReferenceEquals(item.Input, x) && item.Sum == sum && item.Before == before).After is { } known)
        {
            target.Spectrum = known;
            return;
        }

        var rows = Rows(target, x);
        if (rows.shape[0] > 0)
        {
            target.Spectrum = before.With(rows, _tau, _generator);
            _spectra.Add(target.Spectrum);
            _seen.Add((x, sum, before, target.Spectrum));
        }
    }

    private Tensor Rows(TargetActivations target, Tensor x)
    {
        var rows = x.reshape(-1, x.shape[^1]);
        if (_mask is null)
        {
            return rows;
        }

        return _mask.dtype == ScalarType.Bool && _mask.shape.SequenceEqual(x.shape[..^1])
            ? rows.index_select(0, _mask.to(x.device).reshape(-1).nonzero().view(-1))
            : throw new LoraException($"{target.Site.Path}: mask: expected a Bool [{string.Join(", ", x.shape[..^1])}], as the projection's input is [{string.Join(", ", x.shape)}], found {_mask.dtype} [{string.Join(", ", _mask.shape)}].");
    }

    /// <summary>Removes the hooks and frees what was collected.</summary>
    public void Dispose()
    {
        _hooks.ForEach(hook => hook.remove());
        foreach (var spectrum in _spectra)
        {
            spectrum.Dispose();
        }
    }
}
