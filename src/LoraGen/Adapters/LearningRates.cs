using TorchSharp.Modules;

namespace LoraGen;

/// <summary>LoRA+ and rank stabilisation as learning rates: see <see cref="LoraAdapter.LearningRates"/>.</summary>
/// <param name="rate">That of A at the reference.</param>
/// <param name="ratio">How many times faster B learns.</param>
/// <param name="ofEmbedding">That of an embedding.</param>
/// <param name="reference">Where the rates hold, or null where no rank changes them.</param>
internal sealed class LearningRates(double rate, double ratio, double ofEmbedding, LoraScale? reference)
{
    /// <summary>The parameters of an adapter, those of one rate together.</summary>
    public IReadOnlyList<LearningRateGroup> Of(LoraAdapter adapter)
        => [.. adapter.Owners.SelectMany(update => update.IsTargeted ? OfUpdate(update) : OfOwn(update))
            .GroupBy(item => item.Rate, item => item.Parameter)
            .Select(group => new LearningRateGroup([.. group], group.Key))];

    private IEnumerable<(Parameter Parameter, double Rate)> OfUpdate(LowRankUpdate update)
    {
        if (update is EmbeddingUpdate)
        {
            return update.parameters().Select(parameter => (parameter, ofEmbedding));
        }

        // What is no factor of the product, such as DoRA's magnitude, knows no rank.
        var factor = Factor(update.Scale);
        return update.parameters().Select(parameter => (parameter, ReferenceEquals(parameter, update.A) ? rate * factor : ReferenceEquals(parameter, update.B) ? rate * ratio * factor : rate * ratio));
    }

    // As PEFT's optimizer does: matrices with A, vectors with B.
    private IEnumerable<(Parameter Parameter, double Rate)> OfOwn(LowRankUpdate own)
        => own.parameters().Select(parameter => (parameter, parameter.dim() == 1 ? rate * ratio : rate));

    // Under SGD the product s B A, of given size at the start, moves by the rate times s. So this makes that 1 / sqrt(r).
    private double Factor(LoraScale scale) => reference is { } tuned ? tuned.Factor * Math.Sqrt(tuned.Rank) / (scale.Factor * Math.Sqrt(scale.Rank)) : 1;
}
