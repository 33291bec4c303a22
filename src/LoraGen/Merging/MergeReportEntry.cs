namespace LoraGen;

/// <summary>What merging does to one weight; dW is its update. Norms are Frobenius norms. Where a weight or the update is not finite, so are the figures.</summary>
/// <param name="Path">Where the projection lies below the model; for its bias, which is then W, with <c>.bias</c> behind it.</param>
/// <param name="RelativeSize">The norm of dW over that of W.</param>
/// <param name="LargestChange">The largest absolute value of dW.</param>
/// <param name="LostToRounding">
/// The norm of what rounding to the base's dtype does to dW, over the norm of dW: 0 is an exact merge, 1 one of which nothing is left.
/// </param>
/// <param name="UnchangedShare">Of the values of W that dW would change, the share that keeps its bits, since dW is below the rounding there.</param>
public sealed record MergeReportEntry(string Path, double RelativeSize, double LargestChange, double LostToRounding, double UnchangedShare);
