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

    /// <summary>The numbers of a named argument that is an array; null where it is absent, null or not yet valid.</summary>
    public static IReadOnlyList<int>? FindNumbers(this AttributeData attribute, string name)
        => FindConstant(attribute, name) is { Kind: TypedConstantKind.Array, IsNull: false } array && array.Values.All(value => value.Value is int)
            ? [.. array.Values.Select(value => (int)value.Value!)]
            : null;

    /// <summary>The names of a named argument that is an array; null where it is absent, null or not yet valid.</summary>
    public static IReadOnlyList<string>? FindNames(this AttributeData attribute, string name)
        => FindConstant(attribute, name) is { Kind: TypedConstantKind.Array, IsNull: false } array && array.Values.All(value => value.Value is string)
            ? [.. array.Values.Select(value => (string)value.Value!)]
            : null;

    /// <summary>The name of a named argument's enum member; <paramref name="otherwise"/> where it is absent, null where it is no member.</summary>
    public static string? FindMember(this AttributeData attribute, string name, string otherwise)
        => FindConstant(attribute, name) is not { Kind: TypedConstantKind.Enum } value ? otherwise
            : value.Type!.GetMembers().OfType<IFieldSymbol>().FirstOrDefault(member => Equals(member.ConstantValue, value.Value))?.Name;

    private static IFieldSymbol[] FindFields(INamedTypeSymbol type) =>
    [
        .. type.GetMembers()
            .OfType<IFieldSymbol>()
            .OrderBy(field => field.Locations[0].SourceTree?.FilePath, StringComparer.Ordinal)
            .ThenBy(field => field.Locations[0].SourceSpan.Start),
    ];

    private static object? Find(AttributeData attribute, string name)
    {
        var argument = FindConstant(attribute, name);
        return argument.Kind == TypedConstantKind.Primitive ? argument.Value : null;
    }

    private static TypedConstant FindConstant(AttributeData attribute, string name)
        => attribute.NamedArguments.FirstOrDefault(pair => pair.Key == name).Value;
}
