using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>Where the parameters of a lambda get their values, in <c>projections.Select(p => p.call(x))</c> and its like.</summary>
internal static class LambdaParameters
{
    /// <summary>The collections whose items are given to the parameter.</summary>
    public static IEnumerable<IOperation> FindItemSources(this IParameterReferenceOperation reference)
    {
        if (FindReceiver(reference) is not { } call || !CallsPerItem(call.TargetMethod))
        {
            return [];
        }

        // Of Zip and Aggregate, too, a parameter has the items of a collection whose items have its type.
        return from source in call.Arguments.Select(argument => argument.Value).Prepend(call.Instance)
               where source is not null && SymbolEqualityComparer.Default.Equals(FindItemType(source.Type), reference.Parameter.Type)
               select source;
    }

    // The call that the parameter's lambda is an argument of.
    private static IInvocationOperation? FindReceiver(IParameterReferenceOperation reference)
    {
        IOperation? lambda = reference;
        while (lambda is not null && (lambda as IAnonymousFunctionOperation)?.Symbol.Equals(reference.Parameter.ContainingSymbol, SymbolEqualityComparer.Default) != true)
        {
            lambda = lambda.Parent;
        }

        var argument = lambda?.Parent;
        while (argument is IDelegateCreationOperation or IConversionOperation)
        {
            argument = argument.Parent;
        }

        return (argument as IArgumentOperation)?.Parent as IInvocationOperation;
    }

    private static bool CallsPerItem(IMethodSymbol method)
        => method.ContainingType is { } type
            && (type.SpecialType == SpecialType.System_Array || type.Is("System.Linq.Enumerable") || type.Is("System.Collections.Generic.List"));

    private static ITypeSymbol? FindItemType(ITypeSymbol? collection) => collection switch
    {
        IArrayTypeSymbol array => array.ElementType,
        INamedTypeSymbol { TypeArguments.Length: 1 } named => named.TypeArguments[0],
        _ => null,
    };
}
