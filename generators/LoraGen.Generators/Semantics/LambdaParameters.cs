using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>Where the parameters of a lambda get their values, in <c>projections.Select(p => p.call(x))</c> and its like.</summary>
internal static class LambdaParameters
{
    /// <summary>The collections whose items are given to the parameter.</summary>
    public static IEnumerable<IOperation> FindItemSources(this IParameterReferenceOperation reference)
        => FindArgument(reference) is { Parent: IInvocationOperation call } argument
            && call.TargetMethod.IsPerItem()
            && argument.Parameter?.OriginalDefinition.Type is INamedTypeSymbol { DelegateInvokeMethod: { } lambda }
            && lambda.Parameters.ElementAtOrDefault(reference.Parameter.Ordinal)?.Type is { } item
                ? call.FindCollections(item)
                : [];

    // The argument that the parameter's lambda is.
    private static IArgumentOperation? FindArgument(IParameterReferenceOperation reference)
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

        return argument as IArgumentOperation;
    }
}
