using static TorchSharp.torch;

namespace LoraGen.Combining;

/// <summary>One adapter's update of a projection, or of one of its slices, and the weight that it is to have.</summary>
/// <param name="Update">The update.</param>
/// <param name="Weight">What it is multiplied with.</param>
/// <param name="Slice">Which of the adapted slices, from 0, or null where the whole projection is adapted.</param>
internal sealed record WeightedUpdate(LowRankUpdate Update, double Weight, int? Slice)
{
    public int Rank => Slice is null ? Update.WholeScale.Rank : Update.Scale.Rank;

    public double Scale => Update.Scale.Factor;

    public Tensor A => Part(Slice is null ? Update.Matrices().A : Update.A);

    public Tensor B => Part(Slice is null ? Update.Matrices().B : Update.B);

    /// <summary>w s B A.</summary>
    public ScaledFactors Factors => new(A, B * (Weight * Scale));

    /// <summary>s B A [out, in].</summary>
    public Tensor Delta() => (B * Scale).mm(A);

    // The slices lie one below the other, in A and in B.
    private Tensor Part(Tensor factor)
        => (Slice is { } slice ? factor.chunk(Update.Slices!.Trained.Count, 0)[slice] : factor).to_type(ScalarType.Float64);
}
