using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>A field that TorchSharp registers, as far as it concerns an adapter.</summary>
/// <param name="Name">The component's name.</param>
/// <param name="Target">The annotated projection in it, or null.</param>
/// <param name="Child">The [LoraModel] child or children in it, or null. With neither, it holds weights that no adapter can swap.</param>
/// <param name="IsOptional">Whether it may be null.</param>
internal sealed record ModuleNode(string Name, LoraTargetField? Target, LoraChildField? Child, bool IsOptional)
{
    private static readonly SymbolFacts<INamedTypeSymbol, ModuleNode[]> Nodes = new(type => [.. Find(type)]);

    // Modules that have a weight whatever they are made with.
    private static readonly HashSet<string> Weighted = new(StringComparer.Ordinal)
    {
        "Linear", "Bilinear", "Embedding", "EmbeddingBag", "Conv1D",
        "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
    };

    /// <summary>Whether an adapter can hold something in its place.</summary>
    public bool IsFollowed => Target is not null || Child is not null;

    /// <summary>The child's class as it is written, whatever its type arguments.</summary>
    public INamedTypeSymbol? Model => Child?.Model.OriginalDefinition;

    /// <summary>Those of a class and of its base classes, the base's first.</summary>
    public static IReadOnlyList<ModuleNode> In(INamedTypeSymbol type) => Nodes.Of(type.OriginalDefinition);

    private static IEnumerable<ModuleNode> Find(INamedTypeSymbol type)
        => from declaring in type.WithBaseTypes().Reverse()
           from field in declaring.OriginalDefinition.FieldsInOrder()
           where !field.IsStatic
           let node = new ModuleNode(
               field.FindComponentName() ?? field.Declaration().Name,
               LoraTargetField.Find(field),
               LoraChildField.Find(field),
               field.NullableAnnotation == NullableAnnotation.Annotated)
           where node.IsFollowed || (IsWeighted(field.Type) && !field.IsImplicitlyDeclared)
           select node;

    private static bool IsWeighted(ITypeSymbol type)
        => Weighted.Contains(type.Name) && (type.Is($"TorchSharp.Modules.{type.Name}") || type.Is($"LoraGen.{type.Name}"));
}
