using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Diagnostics;

/// <summary>
/// Fields that hold a [LoraModel] class without saying so: the type is Module or Sequential, and what an initializer or an assignment
/// puts in is such a class.
/// </summary>
internal static class PlainHolders
{
    /// <summary>Checks each value of this kind with its field and the [LoraModel] class in it.</summary>
    public static void Register(AnalysisContext context, Action<OperationAnalysisContext, IFieldSymbol, IOperation, INamedTypeSymbol> check)
    {
        context.RegisterOperationAction(
            action =>
            {
                var initializer = (IFieldInitializerOperation)action.Operation;
                foreach (var field in initializer.InitializedFields)
                {
                    CheckValue(action, field, initializer.Value);
                }
            },
            OperationKind.FieldInitializer);
        context.RegisterOperationAction(
            action =>
            {
                var assignment = (IAssignmentOperation)action.Operation;
                foreach (var (field, value) in Assigned(assignment.Target, assignment.Value))
                {
                    CheckValue(action, field, value);
                }
            },
            OperationKind.SimpleAssignment,
            OperationKind.CoalesceAssignment,
            OperationKind.DeconstructionAssignment);

        void CheckValue(OperationAnalysisContext action, IFieldSymbol field, IOperation value)
        {
            if (!field.IsStatic && field.Type is INamedTypeSymbol type && type.IsModule() && type.FindHeldModel() is null && value.FindModel() is { } model)
            {
                check(action, field, value, model);
            }
        }
    }

    // Also the constructor's (attn, mlp) = (new Attention(), new Mlp()).
    private static IEnumerable<(IFieldSymbol Field, IOperation Value)> Assigned(IOperation target, IOperation value) => target switch
    {
        IFieldReferenceOperation reference => [(reference.Field, value)],
        ITupleOperation targets when value.WithoutConversion() is ITupleOperation values
            => targets.Elements.Zip(values.Elements, Assigned).SelectMany(assigned => assigned),
        _ => [],
    };
}
