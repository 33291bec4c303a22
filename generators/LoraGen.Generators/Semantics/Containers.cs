using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>TorchSharp's modules that hold others and call or hand out what they hold: Sequential, ModuleList, ModuleDict.</summary>
internal static class Containers
{
    public static bool IsContainer(this ITypeSymbol? type)
        => type is INamedTypeSymbol named && named.WithBaseTypes().Any(t => t.Is(KnownTypes.Sequential) || t.Is(KnownTypes.ModuleList) || t.Is(KnownTypes.ModuleDict));

    /// <summary>The container that an operation makes or adds to, or null where it does neither.</summary>
    public static ITypeSymbol? FindFilledContainer(this IOperation operation) => operation switch
    {
        IObjectCreationOperation creation => OrNull(creation.Type),
        ICollectionExpressionOperation collection => OrNull(collection.Type),
        IInvocationOperation { TargetMethod.Name: "Sequential" or "ModuleList" or "ModuleDict" } make
            when make.TargetMethod.ContainingType.Is(KnownTypes.NeuralNetworks) => OrNull(make.Type),
        IInvocationOperation { TargetMethod.Name: "Add" or "append" or "extend" or "Insert" } add => OrNull(add.Instance?.Type),
        ISimpleAssignmentOperation { Target: IPropertyReferenceOperation { Property.IsIndexer: true } item } => OrNull(item.Instance?.Type),
        _ => null,
    };

    /// <summary>What such an operation shows of what the container then holds.</summary>
    public static IEnumerable<IOperation> ShownContents(this IOperation operation) => operation switch
    {
        IObjectCreationOperation creation => creation.Arguments.Select(argument => argument.Value),
        ICollectionExpressionOperation collection => collection.Elements,

        // Sequential(a).append(b)
        IInvocationOperation call => call.Arguments.Select(argument => argument.Value).Prepend(call.Instance).OfType<IOperation>(),
        ISimpleAssignmentOperation assignment => [assignment.Value],
        _ => [],
    };

    private static ITypeSymbol? OrNull(ITypeSymbol? type) => type.IsContainer() ? type : null;
}
