using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>Methods of the libraries that work item by item. Their type parameters tell which collection an item comes from.</summary>
internal static class ItemMethods
{
    public static bool IsPerItem(this IMethodSymbol method)
        => method.ContainingType is { } type
            && (type.SpecialType == SpecialType.System_Array || type.Is("System.Linq.Enumerable") || type.Is("System.Collections.Generic.List"));

    /// <summary>The collections that a call is given whose items have a type: TSecond, of Zip's, are those of the second.</summary>
    /// <param name="call">The call.</param>
    /// <param name="item">The type, as the method declares it.</param>
    public static IEnumerable<IOperation> FindCollections(this IInvocationOperation call, ITypeSymbol item)
    {
        if (call.Instance is { } instance && IsOf(call.TargetMethod.OriginalDefinition.ContainingType, item))
        {
            yield return instance;
        }

        foreach (var argument in call.Arguments.Where(argument => IsOf(argument.Parameter?.OriginalDefinition.Type, item)))
        {
            yield return argument.Value;
        }
    }

    /// <summary>What a type is a collection of, or null where it is none.</summary>
    public static ITypeSymbol? FindItem(ITypeSymbol? collection) => collection switch
    {
        IArrayTypeSymbol array => array.ElementType,
        INamedTypeSymbol { TypeArguments.Length: 1 } named => named.TypeArguments[0],
        _ => null,
    };

    private static bool IsOf(ITypeSymbol? collection, ITypeSymbol item) => SymbolEqualityComparer.Default.Equals(FindItem(collection), item);
}
