using static TorchSharp.torch;

namespace LoraGen.Combining;

/// <summary>One adapter's update of a projection and the weight that it is to have.</summary>
internal sealed record WeightedUpdate(LowRankUpdate Update, double Weight)
{
    public int Rank => Update.WholeScale.Rank;

    public double Scale => Update.Scale.Factor;

    public Tensor A => Update.Matrices().A.to_type(ScalarType.Float64);

    public Tensor B => Update.Matrices().B.to_type(ScalarType.Float64);

    /// <summary>w s B A.</summary>
    public ScaledFactors Factors => new(A, B * (Weight * Scale));

    /// <summary>s B A [out, in].</summary>
    public Tensor Delta() => (B * Scale).mm(A);
}
