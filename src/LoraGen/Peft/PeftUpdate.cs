namespace LoraGen.Peft;

/// <summary>The low-rank update of one layer: <c>Scale * B A</c>.</summary>
/// <param name="Path">The dotted path of the layer in the base.</param>
/// <param name="A">[Rank, in]; of a convolution [Rank, in, kernel...]; of an embedding [Rank, number of embeddings].</param>
/// <param name="B">[out, Rank]; of a convolution [out, Rank, 1...]; of an embedding [dim, Rank].</param>
/// <param name="Bias">The bias of B, or null.</param>
/// <param name="Magnitude">DoRA's magnitudes, or null.</param>
/// <param name="Rank">The rank r that the scale is made of.</param>
/// <param name="Alpha">The scale's numerator.</param>
/// <param name="Scale">alpha / r, or alpha / sqrt(r) with <c>use_rslora</c>.</param>
/// <param name="Blocks">
/// 1; in a fused layer of which loralib's MergedLinear adapts n slices, n: then A is [n * Rank, in] and B [n * slice, Rank], and slice i of
/// the update is <c>Scale * B[i] A[i]</c>.
/// </param>
public sealed record PeftUpdate(string Path, PeftTensor A, PeftTensor B, PeftTensor? Bias, PeftTensor? Magnitude, int Rank, double Alpha, double Scale, int Blocks)
{
    /// <summary>Whether the layer is an embedding, whose weight [number of embeddings, dim] gets the transposed product.</summary>
    public bool IsEmbedding => A.Kind == PeftTensorKind.EmbeddingA;

    /// <summary>The number of trained values.</summary>
    public long Parameters => A.Elements + B.Elements + (Bias?.Elements ?? 0) + (Magnitude?.Elements ?? 0);
}
