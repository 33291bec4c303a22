using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>What the adapter's field for a child may be, given who sees the child's class.</summary>
internal enum Visibility
{
    /// <summary>Neither: the child's class is private to a part of the code that its parent's adapter leaves.</summary>
    None,

    Internal,

    Public,
}

/// <summary>Compares who sees two classes: a public field of a less visible type would not compile (CS0052).</summary>
internal static class VisibilityRules
{
    /// <summary>How visible a field of type <paramref name="child"/> may be in a public class nested in <paramref name="parent"/>.</summary>
    public static Visibility Of(INamedTypeSymbol child, INamedTypeSymbol parent)
    {
        var limits = NamedTypes(child)
            .Where(limit => limit.DeclaredAccessibility != Accessibility.Public && !parent.WithContainingTypes().Any(type => IsWithin(type, limit)))
            .ToList();
        if (limits.Count == 0)
        {
            return Visibility.Public;
        }

        return limits.All(limit => limit.DeclaredAccessibility is Accessibility.Internal or Accessibility.ProtectedOrInternal)
            ? Visibility.Internal
            : Visibility.None;
    }

    // A field of type Block<Secret[]> is seen by those who see Block and Secret.
    private static IEnumerable<INamedTypeSymbol> NamedTypes(ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => NamedTypes(array.ElementType),
        IPointerTypeSymbol pointer => NamedTypes(pointer.PointedAtType),
        INamedTypeSymbol named => named.WithContainingTypes().Concat(named.WithContainingTypes().SelectMany(t => t.TypeArguments).SelectMany(NamedTypes)),
        _ => [],
    };

    // Whether only code that sees `limit` sees `type`, as far as these two declarations say.
    private static bool IsWithin(INamedTypeSymbol type, INamedTypeSymbol limit)
    {
        var (mine, others) = (type.DeclaredAccessibility, limit.DeclaredAccessibility);
        if (others is Accessibility.Internal or Accessibility.ProtectedOrInternal
            && mine is Accessibility.Internal or Accessibility.Private or Accessibility.ProtectedAndInternal)
        {
            return true;
        }

        var isBelow = type.ContainingType?.WithContainingTypes().Contains(limit.ContainingType, SymbolEqualityComparer.Default) == true;
        return (mine == Accessibility.Private && isBelow)
            || (mine == others && SymbolEqualityComparer.Default.Equals(type.ContainingType, limit.ContainingType) && type.ContainingType is not null);
    }
}
