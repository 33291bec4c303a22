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

    /// <summary>Where the result of a call comes from: it may be an item of a collection, as First's is, or have the same items, as Reverse's.</summary>
    public static IReadOnlyList<ValuePart> FindSources(this IInvocationOperation call, ValuePath? path)
    {
        if (!call.TargetMethod.IsPerItem())
        {
            return [];
        }

        var result = call.TargetMethod.OriginalDefinition.ReturnType;
        var ofItem = call.FindCollections(result).Select(collection => new ValuePart(collection, new(ValuePath.AnyItem, path)));
        return path is { Element: ValuePath.AnyItem } && FindItem(result) is { } item
            ? [.. ofItem, .. call.FindCollections(item).Select(collection => new ValuePart(collection, path))]
            : [.. ofItem];
    }

    private static bool IsOf(ITypeSymbol? collection, ITypeSymbol item) => SymbolEqualityComparer.Default.Equals(FindItem(collection), item);

    private static ITypeSymbol? FindItem(ITypeSymbol? collection) => collection switch
    {
        IArrayTypeSymbol array => array.ElementType,
        INamedTypeSymbol { TypeArguments.Length: 1 } named => named.TypeArguments[0],
        _ => null,
    };
}
