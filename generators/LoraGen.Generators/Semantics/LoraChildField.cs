using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>A field that holds a [LoraModel] child, or a ModuleList of them.</summary>
internal sealed class LoraChildField
{
    private LoraChildField(IFieldSymbol field, INamedTypeSymbol model, bool isList)
    {
        Field = field;
        Model = model;
        IsList = isList;
    }

    public IFieldSymbol Field { get; }

    /// <summary>The [LoraModel] class that makes the child's adapter: the child's own class or one that it derives from.</summary>
    public INamedTypeSymbol Model { get; }

    public bool IsList { get; }

    /// <summary>What the field of the parent's adapter may be.</summary>
    public Visibility Visibility => VisibilityRules.Of(Model, Field.ContainingType);

    /// <summary>The children that a class declares, in source order.</summary>
    public static IEnumerable<LoraChildField> In(INamedTypeSymbol type)
        => type.FieldsInOrder().Select(Find).OfType<LoraChildField>();

    public static LoraChildField? Find(IFieldSymbol field)
    {
        if (field.IsStatic || field.AssociatedSymbol is not null)
        {
            return null;
        }

        if (field.Type.FindModel() is { } model)
        {
            return new LoraChildField(field, model, isList: false);
        }

        return field.Type.Is(KnownTypes.ModuleList) && ((INamedTypeSymbol)field.Type).TypeArguments[0].FindModel() is { } item
            ? new LoraChildField(field, item, isList: true)
            : null;
    }
}
