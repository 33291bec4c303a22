using static TorchSharp.torch;

namespace LoraGen;

/// <summary>What one kind of projection means for its update: how PEFT's files name A and B, and how the weight lies in memory.</summary>
/// <param name="A">The key of A below the projection's path.</param>
/// <param name="B">The key of B below the projection's path.</param>
/// <param name="IsTransposed">Whether the weight is [in, out], so that (B A)^T is added to it instead of B A.</param>
/// <param name="IsLinear">Whether PEFT's <c>all-linear</c> means it.</param>
/// <param name="Noun">What messages call such a projection.</param>
/// <param name="In">What the projection itself calls the size of A's rows.</param>
/// <param name="Out">What it calls the size of B's columns.</param>
internal sealed record UpdateKind(string A, string B, bool IsTransposed, bool IsLinear, string Noun, string In, string Out)
{
    public static readonly UpdateKind Linear = new("lora_A.weight", "lora_B.weight", IsTransposed: false, IsLinear: true, "a linear projection", "in_features", "out_features");

    public static readonly UpdateKind Conv1D = Linear with { IsTransposed = true };

    // PEFT keeps these as bare parameters, and so without ".weight".
    public static readonly UpdateKind Embedding = new("lora_embedding_A", "lora_embedding_B", IsTransposed: true, IsLinear: false, "an embedding", "num_embeddings", "embedding_dim");

    public static readonly UpdateKind Convolution = Linear with { IsLinear = false, Noun = "a convolution", In = "in_channels", Out = "out_channels" };

    /// <summary>The weight as [out, in]; of a convolution the kernel's places are so many more inputs.</summary>
    public Tensor AsMatrix(Tensor weight) => IsTransposed ? weight.t() : weight.flatten(1);

    /// <summary>The length of A's rows, of a convolution without the kernel.</summary>
    public long InOf(Tensor weight) => weight.shape[IsTransposed ? 0 : 1];

    /// <summary>The length of B's columns.</summary>
    public long OutOf(Tensor weight) => weight.shape[IsTransposed ? 1 : 0];
}
