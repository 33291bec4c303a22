using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>What a tuple or a collection is made of, where its making is in sight.</summary>
internal static class ValueParts
{
    public static IEnumerable<IOperation> Parts(this IOperation value) => value switch
    {
        ITupleOperation tuple => tuple.Elements,
        IArrayCreationOperation { Initializer: { } initializer } => initializer.ElementValues,
        ICollectionExpressionOperation collection => collection.Elements,

        // `new List<Linear> { q_proj }` calls Add, a dictionary's with the key first. What other classes do with what they are given is theirs.
        IObjectCreationOperation { Initializer: { } initializer, Type: { } type } when IsSystemCollection(type)
            => initializer.Initializers.OfType<IInvocationOperation>().Select(add => add.Arguments.LastOrDefault()?.Value).OfType<IOperation>(),
        _ => [],
    };

    public static IOperation WithoutConversion(this IOperation value) => value is IConversionOperation conversion ? conversion.Operand.WithoutConversion() : value;

    private static bool IsSystemCollection(ITypeSymbol type) => type.ContainingNamespace?.ToDisplayString() == "System.Collections.Generic";
}
