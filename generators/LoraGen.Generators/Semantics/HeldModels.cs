using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>Which [LoraModel] class a value holds whose type does not tell.</summary>
internal static class HeldModels
{
    /// <summary>Finds it in <c>new Block()</c>, <c>Sequential(("a", new Block()), …)</c>, <c>flag ? new Block() : norm</c>, or a local that holds one.</summary>
    public static INamedTypeSymbol? FindModel(this ValueOrigins values, IOperation value)
        => FindType(value) ?? values.Of(value, Contents).Select(FindTypeInOrAround).FirstOrDefault(model => model is not null);

    // Where it comes from may be out of sight, as for the variable of a loop over a field.
    private static INamedTypeSymbol? FindTypeInOrAround(IOperation origin)
        => FindType(origin) ?? Contents(origin).Select(FindType).FirstOrDefault(model => model is not null);

    private static INamedTypeSymbol? FindType(IOperation value) => value.WithoutConversion().Type?.FindModel();

    private static IEnumerable<IOperation> Contents(IOperation value) => value.FindFilledContainer() is null ? value.Parts() : value.ShownContents();
}
