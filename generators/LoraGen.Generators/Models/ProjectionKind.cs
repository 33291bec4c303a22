namespace LoraGen.Generators.Models;

/// <summary>One kind of projection that can be a target: the classes that are written for it, and the words that are said of it.</summary>
/// <param name="Type">The full name of the field's type.</param>
/// <param name="Name">What follows <c>builder.</c>; <c>Update</c> behind it is the update's class.</param>
/// <param name="Noun">What messages call such a projection.</param>
/// <param name="IsLinear">Whether it has slices and every start.</param>
/// <param name="Input">The accessor's parameter: <c>x</c>.</param>
/// <param name="InputIs">What that is, for a tooltip.</param>
/// <param name="OutputIs">What comes out of it.</param>
/// <param name="Formula">What is computed.</param>
/// <param name="Delta">What the update adds to the weight.</param>
/// <param name="Shapes">The shapes of A and B.</param>
internal sealed record ProjectionKind(
    string Type,
    string Name,
    string Noun,
    bool IsLinear,
    string Input,
    string InputIs,
    string OutputIs,
    string Formula,
    string Delta,
    string Shapes)
{
    public static readonly ProjectionKind Linear = new(
        Type: "TorchSharp.Modules.Linear",
        Name: "Linear",
        Noun: "a linear projection",
        IsLinear: true,
        Input: "x",
        InputIs: "The input, [..., in_features].",
        OutputIs: "The output, [..., out_features].",
        Formula: "W0 x + b + (alpha / r) B A x",
        Delta: "(alpha / r) B A",
        Shapes: "A [r, in_features], B [out_features, r]");

    public static readonly ProjectionKind Conv1D = Linear with
    {
        Type = "LoraGen.Conv1D",
        Name = "Conv1D",
        Formula = "x W0 + b + (alpha / r) B A x",
        Delta = "(alpha / r) (B A)^T",
    };

    public static readonly ProjectionKind Embedding = new(
        Type: "TorchSharp.Modules.Embedding",
        Name: "Embedding",
        Noun: "an embedding",
        IsLinear: false,
        Input: "ids",
        InputIs: "The ids, [...].",
        OutputIs: "Their vectors, [..., embedding_dim].",
        Formula: "W0[ids] + (alpha / r) (B A)^T[ids]",
        Delta: "(alpha / r) (B A)^T",
        Shapes: "A [r, num_embeddings], B [embedding_dim, r]");

    public static readonly ProjectionKind Conv1d = new(
        Type: "TorchSharp.Modules.Conv1d",
        Name: "Conv",
        Noun: "a convolution",
        IsLinear: false,
        Input: "x",
        InputIs: "The input, [N, in_channels, length], or without N.",
        OutputIs: "The output, [N, out_channels, length], or without N.",
        Formula: "W0 * x + b + (alpha / r) B * (A * x)",
        Delta: "(alpha / r) B A",
        Shapes: "A [r, in_channels, kernel], B [out_channels, r, 1]");

    public static readonly ProjectionKind Conv2d = Conv1d with
    {
        Type = "TorchSharp.Modules.Conv2d",
        InputIs = "The input, [N, in_channels, height, width], or without N.",
        OutputIs = "The output, [N, out_channels, height, width], or without N.",
        Shapes = "A [r, in_channels, kernel, kernel], B [out_channels, r, 1, 1]",
    };

    public static readonly ProjectionKind Conv3d = Conv1d with
    {
        Type = "TorchSharp.Modules.Conv3d",
        InputIs = "The input, [N, in_channels, depth, height, width], or without N.",
        OutputIs = "The output, [N, out_channels, depth, height, width], or without N.",
        Shapes = "A [r, in_channels, kernel, kernel, kernel], B [out_channels, r, 1, 1, 1]",
    };

    public static readonly IReadOnlyList<ProjectionKind> All = [Linear, Conv1D, Embedding, Conv1d, Conv2d, Conv3d];

    /// <summary>Whether dropout has an effect: an id has no component that could be dropped.</summary>
    public bool Drops => Name != "Embedding";

    /// <summary>The class of the update, from anywhere.</summary>
    public string Update => $"global::LoraGen.{Name}Update";
}
