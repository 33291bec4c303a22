namespace LoraGen.Benchmarks.Ratios;

/// <summary>Two pieces of work whose times are compared.</summary>
/// <param name="Variant">What is asked about.</param>
/// <param name="Baseline">What it is measured against.</param>
/// <param name="Aim">What the ratio, or the variant's own time, should be; null where nothing is aimed at.</param>
internal sealed record Pair(Work Variant, Work Baseline, Aim? Aim = null)
{
    /// <summary>Whether gradients are recorded; otherwise everything runs under <c>no_grad</c>.</summary>
    public bool Trains { get; init; }
}
