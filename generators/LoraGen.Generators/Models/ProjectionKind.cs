namespace LoraGen.Generators.Models;

/// <summary>One kind of projection that can be a target: the classes that are written for it, and the words that are said of it.</summary>
/// <param name="Type">The full name of the field's type.</param>
/// <param name="Name">What follows <c>builder.</c>; <c>Update</c> behind it is the update's class.</param>
/// <param name="Input">The accessor's parameter: <c>x</c>.</param>
/// <param name="InputIs">What that is, for a tooltip.</param>
/// <param name="OutputIs">What comes out of it.</param>
/// <param name="Formula">What is computed.</param>
/// <param name="Delta">What the update adds to the weight.</param>
/// <param name="Shapes">The shapes of A and B.</param>
internal sealed record ProjectionKind(
    string Type,
    string Name,
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
        Input: "ids",
        InputIs: "The ids, [...].",
        OutputIs: "Their vectors, [..., embedding_dim].",
        Formula: "W0[ids] + (alpha / r) (B A)^T[ids]",
        Delta: "(alpha / r) (B A)^T",
        Shapes: "A [r, num_embeddings], B [embedding_dim, r]");

    public static readonly IReadOnlyList<ProjectionKind> All = [Linear, Conv1D, Embedding];

    /// <summary>Whether dropout has an effect: an id has no component that could be dropped.</summary>
    public bool Drops => Name != "Embedding";

    /// <summary>The class of the update, from anywhere.</summary>
    public string Update => $"global::LoraGen.{Name}Update";
}
