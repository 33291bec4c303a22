using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Diagnostics;

/// <summary>A value that is put where TorchSharp finds modules.</summary>
/// <param name="Type">The class whose object holds it then.</param>
/// <param name="Name">The name under which it does.</param>
/// <param name="Field">The field that holds it, or null where it is registered by hand.</param>
/// <param name="Value">The value.</param>
internal readonly record struct PlacedValue(INamedTypeSymbol Type, string Name, IFieldSymbol? Field, IOperation Value)
{
    public PlacedValue(IFieldSymbol field, IOperation value)
        : this(field.ContainingType, field.Name, field, value)
    {
    }

    /// <summary>What a field's initializer or an assignment puts into fields, also the constructor's <c>(attn, mlp) = (new Attention(), new Mlp())</c>.</summary>
    public static IEnumerable<PlacedValue> AssignedBy(IOperation operation) => operation switch
    {
        IFieldInitializerOperation initializer => initializer.InitializedFields.Select(field => new PlacedValue(field, initializer.Value)),
        IAssignmentOperation assignment => Assigned(assignment.Target, assignment.Value),
        _ => [],
    };

    /// <summary>Whether the holder's type leaves open what it holds: where it does not, that type has a rule of its own.</summary>
    public bool IsUntold => Field is null || (!Field.IsStatic && Field.Type.FindHeldModel() is null);

    private static IEnumerable<PlacedValue> Assigned(IOperation target, IOperation value) => target switch
    {
        IFieldReferenceOperation reference => [new(reference.Field, value)],
        ITupleOperation targets when value.WithoutConversion() is ITupleOperation values
            => targets.Elements.Zip(values.Elements, Assigned).SelectMany(assigned => assigned),
        _ => [],
    };
}
