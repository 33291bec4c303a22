namespace LoraGen;

/// <summary>The scale of an update.</summary>
/// <param name="Rank">r, at least 1.</param>
/// <param name="Alpha">The numerator.</param>
/// <param name="UseRslora">Whether the denominator is sqrt(r) instead of r.</param>
public readonly record struct LoraScale(int Rank, double Alpha, bool UseRslora)
{
    /// <summary>alpha / r (arXiv 2106.09685, section 4.1) or alpha / sqrt(r) (arXiv 2312.03732).</summary>
    public double Factor => Alpha / (UseRslora ? Math.Sqrt(Rank) : Rank);

    /// <summary>That of as many such updates as one: their ranks add up, and the factor is the same.</summary>
    internal LoraScale Times(int updates) => this with { Rank = Rank * updates, Alpha = Alpha * Share(updates) };

    /// <summary>The way back, of a rank that is a multiple.</summary>
    internal LoraScale Per(int updates) => this with { Rank = Rank / updates, Alpha = Alpha / Share(updates) };

    private double Share(int updates) => UseRslora ? Math.Sqrt(updates) : updates;

    /// <summary>Whether fp32, in which updates are scaled unless the base is float64, can hold the factor.</summary>
    internal bool IsFinite => float.IsFinite((float)Factor);
}
