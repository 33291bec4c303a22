using LoraGen.Combining;
using LoraGen.Files;
using static TorchSharp.torch;

namespace LoraGen.Compression;

/// <summary>The weights of a fine-tuned model beside those of its base.</summary>
internal sealed class FineTunedWeights
{
    private readonly Dictionary<string, Tensor> _base;
    private readonly IReadOnlyDictionary<string, Tensor> _tuned;

    /// <exception cref="LoraException">A tensor of the base is missing, or has another shape.</exception>
    public FineTunedWeights(nn.Module model, IReadOnlyDictionary<string, Tensor> tuned)
    {
        (_base, _tuned) = (model.state_dict(), tuned);
        var missing = _base.Keys.Where(key => !tuned.ContainsKey(key)).Order(StringComparer.Ordinal).ToList();
        if (missing.Count > 0)
        {
            throw new LoraException($"The fine-tuned weights: expected a tensor for each key of the base, missing: [{Excerpt.Of(missing)}].");
        }

        foreach (var (key, tensor) in _base)
        {
            if (!tensor.shape.SequenceEqual(tuned[key].shape))
            {
                throw new LoraException($"The fine-tuned weights: {key}: expected [{string.Join(", ", tensor.shape)}] as in the base, found [{string.Join(", ", tuned[key].shape)}].");
            }
        }
    }

    /// <summary>W1 - W0 as [out, in], however the base stores it, with vectors up to a rank.</summary>
    /// <exception cref="LoraException">It is not finite.</exception>
    public Spectrum DifferenceAt(LoraSite site, int limit)
    {
        using var scope = NewDisposeScope();
        var difference = Difference($"{site.Path}.weight");
        if (!difference.isfinite().all().item<bool>())
        {
            throw new LoraException($"{site.Path}.weight: expected finite weights, found NaN or infinity in the base or in the fine-tuned weights.");
        }

        return Spectrum.Of(site.Update.Kind.AsMatrix(difference)).Limited(limit).MoveToOuterDisposeScope();
    }

    /// <summary>Keys of tensors that differ and belong to none of these sites.</summary>
    public IReadOnlyList<string> DifferingBeside(IEnumerable<LoraSite> sites)
    {
        using var scope = NewDisposeScope();
        var adapted = sites.Select(site => $"{site.Path}.weight").ToHashSet(StringComparer.Ordinal);
        return [.. _base.Keys.Where(key => !adapted.Contains(key) && Difference(key).count_nonzero().item<long>() > 0).Order(StringComparer.Ordinal)];
    }

    private Tensor Difference(string key)
        => _tuned[key].to(ScalarType.Float64, _base[key].device) - _base[key].to_type(ScalarType.Float64);
}
