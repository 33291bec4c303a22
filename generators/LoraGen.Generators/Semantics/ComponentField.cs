using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>How TorchSharp names the component in a field.</summary>
internal static class ComponentField
{
    private static readonly SymbolFacts<INamedTypeSymbol, IFieldSymbol[]> OrderedFields = new(FindFields);

    /// <summary>The name in [ComponentName], or null where the field's own name counts.</summary>
    public static string? FindComponentName(this IFieldSymbol field)
        => field.FindAttribute(KnownTypes.ComponentNameAttribute)?.FindArgument<string>("Name");

    /// <summary>
    /// The fields that a class declares, file by file and in the order of the text: which of a partial class's files is compiled first may
    /// differ between machines, and the order decides which projection's A is drawn first.
    /// </summary>
    public static IReadOnlyList<IFieldSymbol> FieldsInOrder(this INamedTypeSymbol type) => type.IsDefinition
        ? OrderedFields.Of(type)

        // Most base classes have no field that is seen here, and of one with type arguments Roslyn would make all other members to tell.
        : OrderedFields.Of(type.OriginalDefinition).Length == 0 ? [] : FindFields(type);

    /// <summary>The value of a named argument; the default where it is absent or not yet valid.</summary>
    public static T? FindArgument<T>(this AttributeData attribute, string name)
        where T : class
        => Find(attribute, name) as T;

    /// <inheritdoc cref="FindArgument{T}(AttributeData, string)"/>
    public static T FindArgument<T>(this AttributeData attribute, string name, T otherwise)
        where T : struct
        => Find(attribute, name) is T value ? value : otherwise;

    private static IFieldSymbol[] FindFields(INamedTypeSymbol type) =>
    [
        .. type.GetMembers()
            .OfType<IFieldSymbol>()
            .OrderBy(field => field.Locations[0].SourceTree?.FilePath, StringComparer.Ordinal)
            .ThenBy(field => field.Locations[0].SourceSpan.Start),
    ];

    private static object? Find(AttributeData attribute, string name)
    {
        var argument = attribute.NamedArguments.FirstOrDefault(pair => pair.Key == name).Value;
        return argument.Kind == TypedConstantKind.Primitive ? argument.Value : null;
    }
}
