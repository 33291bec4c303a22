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
    public static INamedTypeSymbol? FindHeldModel(this ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => array.ElementType.FindHeldModel(),
        INamedTypeSymbol named when named.FindModel() is null && IsHolder(named)
            => named.TypeArguments.Select(FindHeldModel).FirstOrDefault(model => model is not null),
        _ => type.FindModel(),
    };

    public static bool IsModel(this INamedTypeSymbol type) => type.FindAttribute(KnownTypes.LoraModelAttribute) is not null;

    public static bool IsModule(this INamedTypeSymbol type) => type.WithBaseTypes().Any(t => t.Is(KnownTypes.Module));

    // A Func<Block> or a Task<Block> names the class too, but holds no module.
    private static bool IsHolder(INamedTypeSymbol type)
        => type.IsTupleType
            || type.SpecialType == SpecialType.System_Collections_Generic_IEnumerable_T
            || type.AllInterfaces.Any(t => t.SpecialType == SpecialType.System_Collections_IEnumerable)
            || type.IsModule();
}
