using TorchSharp.Modules;

namespace LoraGen;

/// <summary>What an update is made of, whatever its kind.</summary>
/// <param name="Path">Where the projection lies below the model.</param>
/// <param name="A">[r, in], of a convolution [r, in, kernel...], or null where the projection is not targeted.</param>
/// <param name="B">[out, r], of a convolution [out, r, 1...], or null where the projection is not targeted.</param>
/// <param name="Scale">Rank and alpha.</param>
/// <param name="Dropout">Probability of dropping an input of A.</param>
/// <param name="Magnitude">DoRA's m [out], of a convolution [1, out, 1...], or null without it.</param>
/// <param name="Slices">The slices that A and B are of, or null where they are of the whole projection.</param>
internal sealed record UpdateParts(string Path, Parameter? A, Parameter? B, LoraScale Scale, double Dropout, Parameter? Magnitude, FusedSlices? Slices)
{
    /// <summary>What stands in for the base's weight and bias, or null where it is not saved whole.</summary>
    public (Parameter Weight, Parameter? Bias)? Saved { get; init; }

    /// <summary>What stands in for the base's bias alone, or null where the base's own is used.</summary>
    public Parameter? Bias { get; init; }

    /// <summary>The bias of B [out], or null where it has none.</summary>
    public Parameter? BBias { get; init; }

    /// <summary>The rows [n, dim] that stand in for those of n ids, or null where there are none.</summary>
    public (IReadOnlyList<int> Ids, Parameter Rows)? Tokens { get; init; }
}
