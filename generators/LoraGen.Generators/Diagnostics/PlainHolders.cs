using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Diagnostics;

/// <summary>
/// Where an object of a [LoraModel] class gets into a field whose type does not say so, or into the module itself by <c>register_module</c>.
/// TorchSharp goes by the object, whatever the field's type.
/// </summary>
internal static class PlainHolders
{
    /// <summary>Gives each such value of a body to a rule, with the class in it.</summary>
    public static void Register(OperationBlockStartAnalysisContext block, Action<OperationAnalysisContext, PlacedValue, INamedTypeSymbol> check)
    {
        var values = new ValueOrigins(block.OperationBlocks);
        block.RegisterOperationAction(
            action =>
            {
                foreach (var placed in PlacedBy(action.Operation, values).Where(placed => placed.IsUntold))
                {
                    if (values.FindModel(placed.Value) is { } model)
                    {
                        check(action, placed, model);
                    }
                }
            },
            OperationKind.FieldInitializer,
            OperationKind.SimpleAssignment,
            OperationKind.CoalesceAssignment,
            OperationKind.DeconstructionAssignment,
            OperationKind.Invocation);
    }

    private static IEnumerable<PlacedValue> PlacedBy(IOperation operation, ValueOrigins values) => operation switch
    {
        ISimpleAssignmentOperation { Target: IPropertyReferenceOperation item } assignment => FilledIn(assignment, item.Instance, values),
        IInvocationOperation { TargetMethod.Name: "register_module" } call => Registered(call),
        IInvocationOperation call => FilledIn(call, call.Instance, values),
        _ => PlacedValue.AssignedBy(operation),
    };

    // layers.append(new Block()) and layers[0] = new Block(), where `layers` is a field.
    private static IEnumerable<PlacedValue> FilledIn(IOperation fill, IOperation? container, ValueOrigins values)
        => fill.FindFilledContainer() is null
            ? []
            : from reference in values.Of(container, BeforeAppend).OfType<IFieldReferenceOperation>()
              from content in fill.ShownContents()
              where content != container
              from value in content.Leaves()
              select new PlacedValue(reference.Field, value);

    private static IEnumerable<IOperation> BeforeAppend(IOperation container)
        => container is IInvocationOperation { TargetMethod.Name: "append", Instance: { } original } ? [original] : [];

    // register_module("any", new Block()). What has a name may be in a field of its own as well.
    private static IEnumerable<PlacedValue> Registered(IInvocationOperation call)
        => call is { Instance: IInstanceReferenceOperation { Type: INamedTypeSymbol type }, Arguments.Length: 2 }
            && call.Arguments[1].Value is var value
            && value.WithoutConversion() is IObjectCreationOperation or IInvocationOperation
                ? [new(type, call.Arguments[0].Value.ConstantValue.Value as string ?? call.TargetMethod.Name, null, value)]
                : [];
}
