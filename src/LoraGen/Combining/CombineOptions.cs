using TorchSharp;

namespace LoraGen;

/// <summary>How adapters are combined. The names are those of PEFT's <c>add_weighted_adapter</c>.</summary>
public sealed record CombineOptions
{
    /// <summary>PEFT: <c>combination_type</c>.</summary>
    public CombineMethod Method { get; init; } = CombineMethod.Svd;

    /// <summary>
    /// The new adapter's rank (PEFT: <c>svd_rank</c>). Null takes for each projection the largest of the adapters' ranks there. Not for
    /// <see cref="CombineMethod.Cat"/>, whose rank is the sum of theirs.
    /// </summary>
    public RankChoice? Rank { get; init; }

    /// <summary>The share of the values that is kept, above 0 and at most 1; needed by the methods that keep a share, and refused by the others (PEFT: <c>density</c>).</summary>
    public double? Density { get; init; }

    /// <summary>Used by the methods of TIES (PEFT: <c>majority_sign_method</c>).</summary>
    public MajoritySign MajoritySign { get; init; }

    /// <summary>Source of DARE's random choices; null takes torch's global generator.</summary>
    public torch.Generator? Generator { get; init; }

    /// <summary>
    /// Which of the adapters, counted from 0, the new one has the projections of that are saved whole (<see cref="LoraConfig.ModulesToSave"/>): there is no sum of
    /// heads, and weights say nothing of them. Null takes those of the only adapter that has any. What another adapter saves whole counts for nothing.
    /// </summary>
    public int? SavedModulesOf { get; init; }

    /// <summary>
    /// Whether to compute what PEFT computes instead of the weighted sum. PEFT's methods without SVD work on A and on B, each with the root
    /// of the weight, so that the product has a term for each pair of adapters (huggingface/peft issue 3004); they need equal ranks. Its
    /// SVD forms multiply an update by its scale twice (pull request 3111).
    /// </summary>
    public bool AsPeft { get; init; }
}
