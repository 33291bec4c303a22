namespace LoraGen.Transformers.Attention;

/// <summary>
/// The angles per token by which pairs of a head's dimensions turn, theta^(-2i/d) (arXiv 2104.09864, section 3.2), and how each kind of
/// <see cref="RopeParameters"/> stretches them. In float64 on the CPU: there are a few dozen.
/// </summary>
internal sealed class RopeFrequencies(int headDim, double theta, int maxPositions, RopeParameters scaling)
{
    private readonly int _original = scaling.OriginalMaxPositionEmbeddings ?? maxPositions;

    /// <summary>The longest sequence that the frequencies are made for.</summary>
    public long MaxPositions => scaling.RopeType switch
    {
        "linear" or "dynamic" => (long)(maxPositions * scaling.Factor!.Value),
        "yarn" => Math.Max(maxPositions, (long)(_original * scaling.Factor!.Value)),
        _ => maxPositions,
    };

    /// <summary>From this length on, other frequencies hold than for shorter sequences; null where they are always the same.</summary>
    public long? ChangeAfter => scaling.RopeType switch
    {
        "dynamic" => maxPositions,
        "longrope" => _original,
        _ => null,
    };

    /// <summary>What cosine and sine are multiplied by, so that queries and keys together grow by its square.</summary>
    public double AttentionFactor => scaling.AttentionFactor ?? scaling.RopeType switch
    {
        "yarn" when scaling is { Mscale: { } mscale, MscaleAllDim: { } all } => YarnMscale(mscale) / YarnMscale(all),
        "yarn" => YarnMscale(1),
        "longrope" => Stretch <= 1 ? 1 : Math.Sqrt(1 + Math.Log(Stretch) / Math.Log(_original)),
        _ => 1,
    };

    /// <summary>The frequencies [headDim / 2] for sequences of a length.</summary>
    public double[] At(long length) => scaling.RopeType switch
    {
        "linear" => [.. Plain(theta).Select(frequency => frequency / Stretch)],
        "dynamic" => Plain(Dynamic(Math.Max(length, maxPositions))),
        "llama3" => [.. Plain(theta).Select(Llama3)],
        "yarn" => Yarn(Plain(theta)),
        "longrope" => [.. Plain(theta).Zip(length > _original ? scaling.LongFactor! : scaling.ShortFactor!, (frequency, factor) => frequency / factor)],
        _ => Plain(theta),
    };

    // Some checkpoints give the two lengths and not their ratio.
    private double Stretch => scaling.Factor ?? (double)maxPositions / _original;

    private double[] Plain(double theta) => [.. Enumerable.Range(0, headDim / 2).Select(i => Math.Pow(theta, -2.0 * i / headDim))];

    // "NTK-aware": the base grows with the sequence, so that the slowest wave is stretched by the factor and the fastest not at all.
    private double Dynamic(long length)
        => theta * Math.Pow(Stretch * length / maxPositions - (Stretch - 1), headDim / (headDim - 2.0));

    // By how often a wave fits into the context of pretraining: rarely, stretched; often, kept; between the two bounds, mixed.
    private double Llama3(double frequency)
    {
        var turns = _original * frequency / (2 * Math.PI);
        var (low, high) = (scaling.LowFreqFactor!.Value, scaling.HighFreqFactor!.Value);
        var kept = Math.Clamp((turns - low) / (high - low), 0, 1);
        return (1 - kept) * frequency / Stretch + kept * frequency;
    }

    // arXiv 2309.00071, section 3.2, with the ramp over dimensions and not over turns, as its authors' code has it.
    private double[] Yarn(double[] frequencies)
    {
        var (first, last) = (DimensionOf(scaling.BetaFast ?? 32), DimensionOf(scaling.BetaSlow ?? 1));
        if (scaling.Truncate ?? true)
        {
            (first, last) = (Math.Floor(first), Math.Ceiling(last));
        }

        (first, last) = (Math.Max(first, 0), Math.Min(last, headDim - 1));
        var width = first == last ? 0.001 : last - first;
        return [.. frequencies.Select((frequency, i) =>
        {
            var stretched = Math.Clamp((i - first) / width, 0, 1);
            return stretched * frequency / Stretch + (1 - stretched) * frequency;
        })];

        double DimensionOf(double turns) => headDim * Math.Log(_original / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
    }

    // arXiv 2309.00071, section 3.4.
    private double YarnMscale(double mscale) => Stretch <= 1 ? 1 : 0.1 * mscale * Math.Log(Stretch) + 1;
}
