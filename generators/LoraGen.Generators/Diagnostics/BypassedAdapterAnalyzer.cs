using System.Collections.Immutable;
using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using LoraGen.Generators.Writing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA005: an annotated projection is called itself, so its adapter is not.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class BypassedAdapterAnalyzer() : LoraAnalyzer(Rule)
{
    /// <summary>The name under which the diagnostic carries the method to call, where that method can simply take the call's place.</summary>
    public const string Accessor = nameof(Accessor);

    /// <summary>'{0}' is {1} past its adapter: call '{2}' in its place.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA005",
        title: "An annotated projection must be called through its generated method",
        messageFormat: "'{0}' is {1} past its adapter: call '{2}' in its place",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "The generated method adds the active adapter's update; the projection itself knows nothing of it.",
        helpLinkUri: HelpLinks.For("LORA005"));

    private protected override void Register(AnalysisContext context) => context.RegisterOperationBlockStartAction(block =>
    {
        var values = new ValueOrigins(block.OperationBlocks);
        block.RegisterOperationAction(
            action => CheckCall(action, values, ((IInvocationOperation)action.Operation).Instance, ((IInvocationOperation)action.Operation).TargetMethod),
            OperationKind.Invocation);
        block.RegisterOperationAction(
            action => CheckCall(action, values, ((IMethodReferenceOperation)action.Operation).Instance, ((IMethodReferenceOperation)action.Operation).Method),
            OperationKind.MethodReference);
        block.RegisterOperationAction(
            action => CheckFunction(action, values, (IInvocationOperation)action.Operation),
            OperationKind.Invocation);
        block.RegisterOperationAction(
            action => CheckContainer(action, values),
            OperationKind.Invocation,
            OperationKind.ObjectCreation,
            OperationKind.CollectionExpression,
            OperationKind.SimpleAssignment);
    });

    // q_proj.call(x), also through a copy of q_proj.
    private void CheckCall(OperationAnalysisContext action, ValueOrigins values, IOperation? receiver, IMethodSymbol method)
    {
        if (method.Name is "call" or "forward")
        {
            var targets = TargetsIn(values.Of(receiver));
            Report(action, action.Operation.Syntax, targets, "called", targets.Length == 1 && CanReplace(receiver, targets[0], values, action.ContainingSymbol));
        }
    }

    // linear(x, q_proj.weight, q_proj.bias) computes what q_proj.call(x) does, and conv2d(x, conv.weight) what conv.call(x) does. With the weight
    // of an embedding linear computes the logits of a tied head, which is another projection.
    private void CheckFunction(OperationAnalysisContext action, ValueOrigins values, IInvocationOperation call)
    {
        if (Functions(call, values).FirstOrDefault(IsProjection) is { } function)
        {
            var weight = call.Arguments.FirstOrDefault(argument => argument.Parameter?.Ordinal == 1)?.Value;
            var owners = values.Of(weight, BeforeConversion)
                .OfType<IPropertyReferenceOperation>()
                .Where(property => property.Property.Name == "weight")
                .Select(property => property.Instance);
            var targets = TargetsIn(owners.SelectMany(values.Of)).RemoveAll(target => target.Kind == ProjectionKind.Embedding);
            Report(action, call.Syntax, targets, $"computed by functional.{function.Name}", canReplace: false);
        }
    }

    private static IEnumerable<IMethodSymbol> Functions(IInvocationOperation call, ValueOrigins values) => call.TargetMethod.MethodKind == MethodKind.DelegateInvoke
        ? values.Of(call.Instance).OfType<IDelegateCreationOperation>().Select(function => function.Target).OfType<IMethodReferenceOperation>().Select(reference => reference.Method)
        : [call.TargetMethod];

    private static bool IsProjection(IMethodSymbol method)
        => method.Name is "linear" or "conv1d" or "conv2d" or "conv3d" or "conv1d_padding" or "conv2d_padding" or "conv3d_padding" && method.ContainingType.Is(KnownTypes.Functional);

    // A weight is the same one in another dtype or on another device.
    private static IEnumerable<IOperation> BeforeConversion(IOperation tensor) => tensor switch
    {
        IInvocationOperation { Instance: { } original } call when call.TargetMethod.Name is
            "to" or "to_type" or "type" or "half" or "bfloat16" or "float" or "double" or "cpu" or "cuda" or "detach" or "clone" or "contiguous" => [original],
        _ => [],
    };

    // Sequential(q_proj, …) calls q_proj, and a ModuleList is there to hand out its modules to be called.
    private void CheckContainer(OperationAnalysisContext action, ValueOrigins values)
    {
        if (action.Operation.FindFilledContainer() is not { } container)
        {
            return;
        }

        foreach (var item in action.Operation.ShownContents().SelectMany(ValueParts.Leaves))
        {
            Report(action, item.Syntax, TargetsIn(values.Of(item, ValueParts.Parts)), $"handed to a {container.Name}", canReplace: false);
        }
    }

    // A target that no method is generated for has a rule of its own.
    private static ImmutableArray<LoraTargetField> TargetsIn(IEnumerable<IOperation> values) =>
    [
        .. values.OfType<IFieldReferenceOperation>()
            .Select(reference => reference.Field)
            .Distinct<IFieldSymbol>(SymbolEqualityComparer.Default)
            .Where(field => field.ContainingType.IsModel())
            .Select(LoraTargetField.Find)
            .OfType<LoraTargetField>()
            .Where(HasAccessor),
    ];

    // In a class of another assembly nothing tells a generated member from one that is in its way, but there the method was generated.
    private static bool HasAccessor(LoraTargetField target)
        => target.IsProjection
            && (target.Field.DeclaringSyntaxReferences.IsEmpty
                || new LoraModelClass(target.Field.ContainingType.OriginalDefinition).AdaptedTargets.Any(adapted => adapted.Field.Name == target.Field.Name));

    private void Report(OperationAnalysisContext action, SyntaxNode where, ImmutableArray<LoraTargetField> targets, string how, bool canReplace)
    {
        if (targets.IsEmpty)
        {
            return;
        }

        var properties = ImmutableDictionary<string, string?>.Empty;
        action.ReportDiagnostic(Diagnostic.Create(
            Rule,
            where.GetLocation(),
            canReplace ? properties.Add(Accessor, Literals.Identifier(targets[0].Accessor)) : properties,
            string.Join("' or '", targets.Select(target => target.Field.Name)),
            how,
            string.Join("' or '", targets.Select(target => target.Accessor))));
    }

    // The projection itself; or a local that was declared with a readonly field of this object and never assigned again.
    private static bool CanReplace(IOperation? receiver, LoraTargetField target, ValueOrigins values, ISymbol member) => receiver?.WithoutConversion() switch
    {
        IFieldReferenceOperation reference => SymbolEqualityComparer.Default.Equals(reference.Field, target.Field),
        ILocalReferenceOperation local => values.AssignedTo(local.Local).ToList() is { Count: 1 } assigned
            && assigned[0] is { Path: null, Value: var value }
            && value.WithoutConversion() is IFieldReferenceOperation { Field.IsReadOnly: true, Instance: IInstanceReferenceOperation owner }
            && owner.ReferenceKind == InstanceReferenceKind.ContainingTypeInstance
            && !CanAssignReadOnly(member),
        _ => false,
    };

    private static bool CanAssignReadOnly(ISymbol member) => member is IMethodSymbol method && (method.MethodKind == MethodKind.Constructor || method.IsInitOnly);
}
