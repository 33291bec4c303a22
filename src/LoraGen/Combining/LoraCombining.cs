using LoraGen.Combining;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Several adapters of one model as one.</summary>
public static class LoraCombining
{
    /// <summary>
    /// Makes a new adapter out of several: for each projection one update out of theirs, with weights that may be negative. An adapter that
    /// does not target a projection counts as zero there. Computed in float64; the new scale is 1 (alpha = r), and everything else in the
    /// new adapter's config is the first adapter's. Without <see cref="CombineOptions.AsPeft"/>, the error is that of rank and of pruning
    /// alone. The methods that keep a share of the values, and they alone, form out * in values of each adapter at a time. Slices of a fused
    /// projection are combined each for itself, and the new update is one of slices too.
    /// </summary>
    /// <param name="model">The base, with nothing merged into it.</param>
    /// <param name="options">The method and what it needs.</param>
    /// <param name="adapters">At least one, each with its weight.</param>
    /// <returns>The adapter, and how far each update is from the weighted sum of theirs.</returns>
    /// <exception cref="LoraException">
    /// There is no adapter, one does not fit the model or was made for other weights, values or weights are not finite, the options do not fit
    /// the method, an update is DoRA's, several adapters save modules whole and <see cref="CombineOptions.SavedModulesOf"/> does not say whose are meant, one adapts what another
    /// saves whole, or a weight of the model carries an adapter.
    /// </exception>
    public static DerivedAdapter<TAdapter> Combine<TAdapter>(
        this ILoraModel<TAdapter> model, CombineOptions options, params IReadOnlyList<(TAdapter Adapter, double Weight)> adapters)
        where TAdapter : LoraAdapter
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(adapters);
        if (adapters.Count == 0)
        {
            throw new LoraException("Combine: expected at least one adapter, found none.");
        }

        if (!Enum.IsDefined(options.Method) || !Enum.IsDefined(options.MajoritySign))
        {
            throw new LoraException($"{nameof(CombineOptions)}: expected members of {nameof(CombineMethod)} and {nameof(MajoritySign)}, found {options.Method} and {options.MajoritySign}.");
        }

        using var scope = NewDisposeScope();
        using var inference = no_grad();

        // PEFT has nothing to combine then, and takes the one method that is exact.
        var combination = new Combination(options is { AsPeft: true, Method: not CombineMethod.Cat } && adapters.Count == 1 ? options with { Method = CombineMethod.Linear, Rank = null, Density = SparseSum.Is(options.Method) ? null : options.Density } : options);
        var targets = WeightedTarget.Of(model, adapters);
        var updates = targets.SelectMany(target => target.Updates).Select(item => item.Update).ToList();
        var saved = SavedChoice.Of([.. adapters.Select(item => item.Adapter)], options);
        var made = combination.Of(targets);
        var adapter = AdapterMaker.Make(
            model,
            adapters[0].Adapter.Config with { Dropout = SharedDropout.Of(updates) },
            updates.Any(update => update.A.dtype == ScalarType.Float64) ? ScalarType.Float64 : ScalarType.Float32,
            targets.Zip(made).Where(item => item.Second is not null)
                .GroupBy(item => item.First.Path, item => item.Second!, StringComparer.Ordinal)
                .ToDictionary(slices => slices.Key, IReadOnlyList<ScaledFactors> (slices) => [.. slices], StringComparer.Ordinal),
            saved);
        try
        {
            RequireOneBase(adapters.Select(item => item.Adapter), adapter);
            return new DerivedAdapter<TAdapter>(adapter, [.. targets.Zip(made, ErrorOf).GroupBy(error => error.Path, StringComparer.Ordinal).Select(DerivedError.OfSlices)]);
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes W = W0 + the sum of w s B A into the base's weights, as <see cref="ILoraModel{TAdapter}.Merge"/> does with one adapter: computed
    /// in fp32 and rounded once. <see cref="ILoraModel{TAdapter}.MergedAdapter"/> is then a new adapter, the exact sum of theirs;
    /// <see cref="ILoraModel{TAdapter}.Unmerge"/> restores the base bit for bit.
    /// </summary>
    /// <param name="model">The base, with no adapter active or merged.</param>
    /// <param name="adapters">At least one, each with its weight, which may be negative.</param>
    /// <exception cref="LoraException">As <see cref="Combine"/> and <see cref="ILoraModel{TAdapter}.Merge"/>; the base is then untouched.</exception>
    public static void Merge<TAdapter>(this ILoraModel<TAdapter> model, params IReadOnlyList<(TAdapter Adapter, double Weight)> adapters)
        where TAdapter : LoraAdapter
    {
        var sum = Combine(model, new CombineOptions { Method = CombineMethod.Cat }, adapters).Adapter;
        try
        {
            model.Merge(sum);
        }
        catch
        {
            sum.Dispose();
            throw;
        }
    }

    private static DerivedError ErrorOf(WeightedTarget target, ScaledFactors? made)
    {
        using var scope = NewDisposeScope();
        var wanted = target.Sum();
        var norm = wanted.Norm();
        return made is null ? new DerivedError(target.Path, 0, norm, norm) : new DerivedError(target.Path, made.Rank, norm, wanted.DistanceTo(made));
    }

    private static void RequireOneBase<TAdapter>(IEnumerable<TAdapter> adapters, TAdapter derived)
        where TAdapter : LoraAdapter
    {
        foreach (var (adapter, number) in adapters.Select((adapter, number) => (adapter, number)))
        {
            if (adapter.BaseFingerprint is { } found && found != derived.BaseFingerprint)
            {
                throw new LoraException($"Adapter {number} of those given was made for a base of other weights, or for these in another dtype: expected the fingerprint {derived.BaseFingerprint}, found {found}.");
            }
        }
    }
}
