using LoraGen.Transformers.Llama;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>
/// Rotary frequencies and the factor of cosine and sine, by wavelengths, from the papers and the definitions of Hugging Face's
/// <c>rope_type</c>s.
/// </summary>
internal static class NaiveRope
{
    public static (double[] Frequencies, double Factor) Of(LlamaConfig config, int length)
    {
        var (dim, theta, max) = (config.HeadDim, config.RopeTheta, config.MaxPositionEmbeddings);
        var rope = config.RopeScaling;
        var plain = Frequencies(theta, dim);
        switch (rope?.RopeType)
        {
            case "linear":
                return ([.. plain.Select(f => f / rope.Factor!.Value)], 1);
            case "dynamic":
                var longer = Math.Max(length, max);
                var alpha = rope.Factor!.Value * longer / max - (rope.Factor.Value - 1);
                return (Frequencies(theta * Math.Pow(alpha, (double)dim / (dim - 2)), dim), 1);
            case "llama3":
                return ([.. plain.Select(f => Llama3(f, rope.Factor!.Value, rope.LowFreqFactor!.Value, rope.HighFreqFactor!.Value, rope.OriginalMaxPositionEmbeddings!.Value))], 1);
            case "yarn":
                double original = rope.OriginalMaxPositionEmbeddings ?? max;
                var low = CorrectionDim(rope.BetaFast ?? 32, dim, theta, original);
                var high = CorrectionDim(rope.BetaSlow ?? 1, dim, theta, original);
                if (rope.Truncate != false)
                    (low, high) = (Math.Floor(low), Math.Ceiling(high));
                (low, high) = (Math.Max(low, 0), Math.Min(high, dim - 1));
                if (low == high)
                    high += 0.001;
                var mixed = new double[plain.Length];
                for (var i = 0; i < mixed.Length; i++)
                {
                    var ramp = (i - low) / (high - low);
                    var interpolated = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
                    mixed[i] = plain[i] / rope.Factor!.Value * interpolated + plain[i] * (1 - interpolated);
                }

                var factor = rope.AttentionFactor ?? (rope.Mscale is null
                    ? 1 + 0.1 * Math.Log(rope.Factor!.Value)
                    : (1 + 0.1 * rope.Mscale.Value * Math.Log(rope.Factor!.Value)) / (1 + 0.1 * rope.MscaleAllDim!.Value * Math.Log(rope.Factor.Value)));
                return (mixed, factor);
            case "longrope":
                var pretrained = rope.OriginalMaxPositionEmbeddings!.Value;
                var divisors = length > pretrained ? rope.LongFactor! : rope.ShortFactor!;
                return ([.. plain.Select((f, i) => f / divisors[i])], Math.Sqrt(1 + Math.Log((double)max / pretrained) / Math.Log(pretrained)));
            default:
                return (plain, 1);
        }
    }

    private static double[] Frequencies(double theta, int dim) => [.. Enumerable.Range(0, dim / 2).Select(i => 1 / Math.Pow(theta, 2.0 * i / dim))];

    private static double Llama3(double frequency, double factor, double low, double high, double original)
    {
        var wavelength = 2 * Math.PI / frequency;
        if (wavelength < original / high)
            return frequency;
        if (wavelength > original / low)
            return frequency / factor;
        var smooth = (original / wavelength - low) / (high - low);
        return (1 - smooth) * frequency / factor + smooth * frequency;
    }

    // The dimension whose wave makes this many turns in the original context.
    private static double CorrectionDim(double turns, int dim, double theta, double original)
        => dim / 2.0 * Math.Log(original / (2 * Math.PI * turns)) / Math.Log(theta);
}
