namespace LoraGen;

/// <summary>How an adapter begins with activations (PEFT: <c>EvaConfig</c>; arXiv 2410.07170). The defaults are PEFT's.</summary>
public sealed record EvaOptions
{
    /// <summary>
    /// How many times its rank a projection may get, at least 1: the ranks of all are one budget, which goes to the directions that explain
    /// the largest shares of their projection's variance. 1 leaves the ranks as they are (PEFT: <c>rho</c>).
    /// </summary>
    public double Rho { get; init; } = 2;

    /// <summary>
    /// The cosine between a direction and what a further batch made of it from which it counts as found, above 0 and at most 1. A projection all of
    /// whose directions are found looks at no more batches (PEFT: <c>tau</c>).
    /// </summary>
    public double Tau { get; init; } = 0.99;

    /// <summary>Whether each direction is divided by the root of its singular value (PEFT: <c>whiten</c>).</summary>
    public bool Whiten { get; init; }

    /// <summary>
    /// Whether a projection whose rank has changed gets the alpha that keeps its scale; otherwise it keeps its alpha (PEFT:
    /// <c>adjust_scaling_factors</c>, which with <c>use_rslora</c> keeps alpha / r instead).
    /// </summary>
    public bool AdjustScale { get; init; } = true;

    /// <exception cref="LoraException">A value is out of its range.</exception>
    internal void RequireRanges()
    {
        Require(Rho >= 1 && double.IsFinite(Rho), nameof(Rho), "a number of at least 1", Rho);
        Require(Tau is > 0 and <= 1, nameof(Tau), "a number above 0 and at most 1", Tau);

        static void Require(bool holds, string option, string expected, double found)
        {
            if (!holds)
            {
                throw new LoraException(FormattableString.Invariant($"{nameof(EvaOptions)}: {option}: expected {expected}, found {found}."));
            }
        }
    }
}
