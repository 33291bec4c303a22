using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>Which [LoraModel] class a type is or holds.</summary>
internal static class LoraModels
{
    /// <summary>The class itself or its nearest base class that is a [LoraModel]; of a type parameter, the class that it must derive from.</summary>
    public static INamedTypeSymbol? FindModel(this ITypeSymbol type) => type switch
    {
        INamedTypeSymbol named => named.WithBaseTypes().FirstOrDefault(IsModel),
        ITypeParameterSymbol parameter => parameter.ConstraintTypes.Select(FindModel).FirstOrDefault(model => model is not null),
        _ => null,
    };

    /// <summary>The same, also where the type only holds such objects: an array, a collection, a tuple, a module with type arguments.</summary>
    public static INamedTypeSymbol? FindHeldModel(this ITypeSymbol type) => FindHeldModel(type, depth: 0);

    public static bool IsModel(this INamedTypeSymbol type) => type.FindAttribute(KnownTypes.LoraModelAttribute) is not null;

    public static bool IsModule(this INamedTypeSymbol type) => type.WithBaseTypes().Any(t => t.Is(KnownTypes.Module));

    // A collection may be one of itself, so deeper nesting is not followed.
    private static INamedTypeSymbol? FindHeldModel(ITypeSymbol type, int depth)
        => type.FindModel() ?? (depth > 3 ? null : HeldTypes(type).Select(held => FindHeldModel(held, depth + 1)).FirstOrDefault(model => model is not null));

    // A Func<Block> or a Task<Block> names the class too, but holds no module. Nor is the key of a dictionary a child.
    private static IEnumerable<ITypeSymbol> HeldTypes(ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => [array.ElementType],
        INamedTypeSymbol { IsTupleType: true } tuple => tuple.TypeArguments,
        INamedTypeSymbol pair when pair.Is(KnownTypes.KeyValuePair) => [pair.TypeArguments[1]],
        INamedTypeSymbol named =>
        [
            .. named.IsModule() ? named.WithBaseTypes().SelectMany(module => module.TypeArguments) : [],
            .. named.AllInterfaces.Prepend(named).Where(t => t.OriginalDefinition.SpecialType == SpecialType.System_Collections_Generic_IEnumerable_T).Select(t => t.TypeArguments[0]),
        ],
        _ => [],
    };
}
