namespace LoraGen;

/// <summary>One projection that begins with its activations, and what is known of them so far.</summary>
/// <param name="site">The projection and its update, of which only the scale is of use.</param>
/// <param name="start">The spectrum of no vectors, one object for all projections that may share what comes of it.</param>
internal sealed class TargetActivations(LoraSite site, ActivationSpectrum start)
{
    public LoraSite Site => site;

    /// <summary>The scale that the config gives it.</summary>
    public LoraScale Scale => site.Update.Scale;

    public ActivationSpectrum Spectrum { get; set; } = start;

    /// <summary>The rank that the activations so far would give it.</summary>
    public int Rank { get; set; } = site.Update.Scale.Rank;

    /// <summary>Whether all directions that it would get are found.</summary>
    public bool IsConverged => Spectrum.Rows > 0 && Spectrum.Settled >= Rank;

    /// <summary>
    /// Gives each projection as many of its directions as are among the largest shares of variance of all, as many as their ranks together
    /// (arXiv 2410.07170, section 3; PEFT: <c>_get_rank_distribution</c>).
    /// </summary>
    public static void Distribute(IReadOnlyList<TargetActivations> targets)
    {
        var largest = targets.SelectMany(target => target.Spectrum.Shares.Select(share => (Target: target, Share: share)))
            .OrderByDescending(item => item.Share)
            .Take(Budget(targets))
            .ToLookup(item => item.Target);
        foreach (var target in targets)
        {
            target.Rank = largest[target].Count();
        }
    }

    /// <summary>The ranks of all together.</summary>
    public static int Budget(IEnumerable<TargetActivations> targets) => targets.Sum(target => target.Scale.Rank);
}
