using static TorchSharp.torch;

namespace LoraGen.Combining;

/// <summary>One update for each projection out of those of several adapters.</summary>
internal sealed class Combination
{
    private readonly CombineOptions _options;
    private readonly SparseSum? _sparse;

    /// <exception cref="LoraException">The options do not fit the method.</exception>
    public Combination(CombineOptions options)
    {
        if (options.Rank is not null && (options.Method == CombineMethod.Cat || IsByFactors(options)))
        {
            throw new LoraException($"{nameof(CombineOptions)}: {options.Method}{(options.AsPeft ? " as PEFT" : "")}: {nameof(CombineOptions.Rank)}: expected none, since the ranks follow from those of the adapters, found one.");
        }

        if (options.Density is not null && !SparseSum.Is(options.Method))
        {
            throw new LoraException($"{nameof(CombineOptions)}: {options.Method}: {nameof(CombineOptions.Density)}: expected none, since all values are kept, found {options.Density}.");
        }

        _options = options;
        _sparse = SparseSum.Is(options.Method) ? new SparseSum(options) : null;
    }

    /// <summary>The update of each target, or null where it is too small to get a rank. The slices of a projection get one rank, the largest of theirs.</summary>
    /// <exception cref="LoraException">The method needs one rank and finds several, or is PEFT's and finds slices.</exception>
    public IReadOnlyList<ScaledFactors?> Of(IReadOnlyList<WeightedTarget> targets)
    {
        if (_options.AsPeft && targets.FirstOrDefault(target => target.Updates[0].Slice is not null) is { } sliced)
        {
            throw new LoraException($"Combine: {sliced.Path}: expected updates of whole projections as PEFT has them, found those of slices, which PEFT does not have. Leave out {nameof(CombineOptions.AsPeft)}.");
        }

        if (_options.Method == CombineMethod.Cat)
        {
            return [.. targets.Select(target => target.Sum())];
        }

        if (IsByFactors(_options))
        {
            return [.. targets.Select(ByFactors)];
        }

        var spectra = targets.Select(BySpectrum).ToList();
        var ranks = _options.Rank?.Ranks(spectra) ?? [.. targets.Select(target => target.LargestRank)];
        var byPath = targets.Zip(ranks).ToLookup(item => item.First.Path, item => item.Second);
        return [.. spectra.Zip(targets, (spectrum, target) => byPath[target.Path].Max() is > 0 and var rank ? spectrum.Truncated(rank) : null)];
    }

    private static bool IsByFactors(CombineOptions options)
        => options is { AsPeft: true, Method: CombineMethod.Linear or CombineMethod.Ties or CombineMethod.DareLinear or CombineMethod.DareTies or CombineMethod.MagnitudePrune };

    private Spectrum BySpectrum(WeightedTarget target)
    {
        using var scope = NewDisposeScope();
        var weights = target.Updates.Select(item => _options.AsPeft ? item.Weight * item.Scale : item.Weight);
        var sum = _sparse is null
            ? Spectrum.Of(ScaledFactors.Sum(target.Updates.Zip(weights, (item, weight) => new ScaledFactors(item.A, item.B * (weight * item.Scale)))))
            : Spectrum.Of(_sparse.Of(target.Updates.Select(item => item.Delta()), weights));
        return sum.Limited(_options.Rank?.Limit ?? target.LargestRank).MoveToOuterDisposeScope();
    }

    // The roots of the weights go into A and B alike, and a negative weight's sign into A.
    private ScaledFactors ByFactors(WeightedTarget target)
    {
        using var scope = NewDisposeScope();
        if (target.Updates.Select(item => item.Rank).Distinct().Count() > 1)
        {
            throw new LoraException($"{target.Path}: {_options.Method} as PEFT: expected adapters of one rank, found [{string.Join(", ", target.Updates.Select(item => item.Rank))}].");
        }

        var roots = target.Updates.Select(item => Math.Sqrt(Math.Abs(item.Weight * item.Scale))).ToList();
        var signed = target.Updates.Zip(roots, (item, root) => Math.Sign(item.Weight) * root);
        return new ScaledFactors(Sum(target.Updates.Select(item => item.A), signed), Sum(target.Updates.Select(item => item.B), roots)).MoveToOuterDisposeScope();
    }

    private Tensor Sum(IEnumerable<Tensor> tensors, IEnumerable<double> weights)
        => _sparse?.Of(tensors, weights) ?? tensors.Zip(weights, (tensor, weight) => tensor * weight).Aggregate((left, right) => left + right);
}
