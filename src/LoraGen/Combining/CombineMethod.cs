namespace LoraGen;

/// <summary>
/// How <see cref="LoraCombining.Combine"/> makes one update of several. The names are those of PEFT's <c>combination_type</c>. All work on the
/// updates dW = s B A themselves, so that a method and its SVD form come to the same; they differ with <see cref="CombineOptions.AsPeft"/>.
/// </summary>
public enum CombineMethod
{
    /// <summary>The sum of w dW, by its best approximation of the wanted rank.</summary>
    Linear,

    /// <summary>The sum of w dW itself: the factors one below the other, of the sum of the ranks.</summary>
    Cat,

    /// <summary>As <see cref="Linear"/> (PEFT: <c>svd</c>).</summary>
    Svd,

    /// <summary>Each dW keeps its largest values; each value's sign is elected; the mean of the w dW of that sign (arXiv 2306.01708).</summary>
    Ties,

    /// <summary>As <see cref="Ties"/> (PEFT: <c>ties_svd</c>).</summary>
    TiesSvd,

    /// <summary>Each dW keeps random values, divided by the density; the sum of w dW (arXiv 2311.03099).</summary>
    DareLinear,

    /// <summary>As <see cref="DareLinear"/> (PEFT: <c>dare_linear_svd</c>).</summary>
    DareLinearSvd,

    /// <summary>As <see cref="Ties"/>, with <see cref="DareLinear"/>'s random choice instead of the largest values.</summary>
    DareTies,

    /// <summary>As <see cref="DareTies"/> (PEFT: <c>dare_ties_svd</c>).</summary>
    DareTiesSvd,

    /// <summary>Each dW keeps its largest values; the sum of w dW.</summary>
    MagnitudePrune,

    /// <summary>As <see cref="MagnitudePrune"/> (PEFT: <c>magnitude_prune_svd</c>).</summary>
    MagnitudePruneSvd,
}
