using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>What the local functions and lambdas of a body return.</summary>
internal static class LocalFunctions
{
    public static ILookup<ISymbol, ValuePart> ResultsIn(IEnumerable<IOperation> bodies)
        => bodies.SelectMany(body => body.DescendantsAndSelf()).OfType<IReturnOperation>().SelectMany(Returned).ToLookup(
            returned => returned.Function,
            returned => returned.Result,
            SymbolEqualityComparer.Default);

    private static IEnumerable<(ISymbol Function, ValuePart Result)> Returned(IReturnOperation operation)
        => operation.ReturnedValue is { } value && FindFunction(operation) is { } function ? [(function, new(value))] : [];

    // The innermost function around a return, or null where that is the method itself.
    private static ISymbol? FindFunction(IOperation operation)
    {
        for (var parent = operation.Parent; parent is not null; parent = parent.Parent)
        {
            switch (parent)
            {
                case ILocalFunctionOperation local:
                    return local.Symbol;
                case IAnonymousFunctionOperation lambda:
                    return lambda.Symbol;
            }
        }

        return null;
    }
}
