using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;

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

    /// <summary>Whether the holder's type leaves open what it holds: where it does not, that type has a rule of its own.</summary>
    public bool IsUntold => Field is null || (!Field.IsStatic && Field.Type.FindHeldModel() is null);
}
