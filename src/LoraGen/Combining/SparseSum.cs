using static TorchSharp.torch;

namespace LoraGen.Combining;

/// <summary>The weighted sum of tensors of which each keeps a share of its values: TIES (arXiv 2306.01708), DARE (2311.03099), pruning by magnitude.</summary>
internal sealed class SparseSum(CombineOptions options)
{
    private readonly double _density = options.Density is > 0 and <= 1 and var density
        ? density
        : throw new LoraException(FormattableString.Invariant($"{nameof(CombineOptions)}: {options.Method}: {nameof(CombineOptions.Density)}: expected a value above 0 and at most 1, found {(object?)options.Density ?? "none"}."));

    private readonly bool _isDare = options.Method is CombineMethod.DareLinear or CombineMethod.DareLinearSvd or CombineMethod.DareTies or CombineMethod.DareTiesSvd;
    private readonly bool _isTies = options.Method is CombineMethod.Ties or CombineMethod.TiesSvd or CombineMethod.DareTies or CombineMethod.DareTiesSvd;

    public static bool Is(CombineMethod method) => method is not (CombineMethod.Linear or CombineMethod.Svd or CombineMethod.Cat);

    /// <param name="tensors">Of one shape.</param>
    /// <param name="weights">One for each.</param>
    public Tensor Of(IEnumerable<Tensor> tensors, IEnumerable<double> weights)
    {
        using var scope = NewDisposeScope();
        var kept = stack([.. tensors.Select(values => _isDare ? AtRandom(values) : Largest(values))]);
        var weighted = kept * tensor([.. weights], ScalarType.Float64, kept.device).view([-1, .. kept.shape[1..].Select(_ => 1L)]);
        return (_isTies ? MeanOfElected(kept, weighted) : weighted.sum(dim: 0)).MoveToOuterDisposeScope();
    }

    private Tensor Largest(Tensor values)
    {
        if (_density == 1)
        {
            return values;
        }

        var flat = values.reshape(-1);
        var (_, places) = flat.abs().topk((int)(_density * flat.NumberOfElements));
        return zeros_like(flat).index_copy_(0, places, flat.index_select(0, places)).view(values.shape);
    }

    // Drawn where the generator lives, so that a seed gives the same on every device.
    private Tensor AtRandom(Tensor values)
        => values * rand(values.shape, ScalarType.Float64, options.Generator?.device ?? CPU, generator: options.Generator).lt(_density).to(values.device) / _density;

    // The signs are elected by the values without their weights, so that a negative weight takes an adapter away where it prevails.
    private Tensor MeanOfElected(Tensor kept, Tensor weighted)
    {
        var votes = options.MajoritySign == MajoritySign.Frequency ? kept.sign() : kept;
        var elected = (votes.sum(dim: 0).ge(0).to_type(ScalarType.Float64) * 2) - 1;
        var agrees = (kept.sign() * elected).gt(0).to_type(ScalarType.Float64);
        return (weighted * agrees).sum(dim: 0) / agrees.sum(dim: 0).clamp(min: 1);
    }
}
