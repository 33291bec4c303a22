using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>Fields that the compiler adds, under names that code cannot write.</summary>
internal static class HiddenFields
{
    /// <summary>What the user declared: the field itself, the property that it stands behind, or the primary constructor's parameter that it captures.</summary>
    public static ISymbol Declaration(this IFieldSymbol field) => field.AssociatedSymbol ?? FindParameter(field) ?? (ISymbol)field;

    private static ISymbol? FindParameter(IFieldSymbol field)
        => field.IsImplicitlyDeclared
            ? field.ContainingType.InstanceConstructors.SelectMany(constructor => constructor.Parameters).FirstOrDefault(parameter => field.Name == $"<{parameter.Name}>P")
            : null;
}
