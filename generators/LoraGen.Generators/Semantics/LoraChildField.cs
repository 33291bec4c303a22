using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>A field that holds a [LoraModel] child, or a ModuleList of them.</summary>
internal sealed class LoraChildField
{
    private static readonly SymbolFacts<INamedTypeSymbol, LoraChildField[]> Children = new(
        type => [.. type.FieldsInOrder().Select(Find).OfType<LoraChildField>()]);

    private LoraChildField(IFieldSymbol field, ITypeSymbol childType, INamedTypeSymbol model, bool isList)
    {
        Field = field;
        Model = model;
        IsList = isList;
        IsOfItsModel = SymbolEqualityComparer.Default.Equals(childType, model);
    }

    public IFieldSymbol Field { get; }

    /// <summary>The [LoraModel] class that makes the child's adapter: the child's own class or one that it derives from.</summary>
    public INamedTypeSymbol Model { get; }

    public bool IsList { get; }

    /// <summary>Whether the child's own type is that class, and neither one that derives from it nor a type parameter.</summary>
    public bool IsOfItsModel { get; }

    /// <summary>What the field of the parent's adapter may be.</summary>
    public Visibility Visibility => VisibilityRules.Of(Model, Field.ContainingType);

    /// <summary>The children that a class declares, in source order.</summary>
    public static IReadOnlyList<LoraChildField> In(INamedTypeSymbol type) => Children.Of(type);

    public static LoraChildField? Find(IFieldSymbol field)
    {
        // The hidden field of a property or of a primary constructor's parameter has no name that code could use.
        if (field.IsStatic || field.IsImplicitlyDeclared)
        {
            return null;
        }

        if (field.Type.FindModel() is { } model)
        {
            return new LoraChildField(field, field.Type, model, isList: false);
        }

        return field.Type.Is(KnownTypes.ModuleList) && ((INamedTypeSymbol)field.Type).TypeArguments[0] is var item && item.FindModel() is { } itemModel
            ? new LoraChildField(field, item, itemModel, isList: true)
            : null;
    }
}
