using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA011: a [LoraModel] class holds another one where its adapter cannot follow.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnfollowedChildAnalyzer() : LoraAnalyzer(Rule)
{
    /// <summary>The adapter cannot follow '{0}' to the [LoraModel] class '{1}': {2}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA011",
        title: "A [LoraModel] child must be in a field that the adapter can follow",
        messageFormat: "The adapter cannot follow '{0}' to the [LoraModel] class '{1}': {2}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "The adapter mirrors fields whose type is a [LoraModel] class or a ModuleList of one; the targets of a child anywhere else would never train.",
        helpLinkUri: HelpLinks.For("LORA011"));

    private protected override void Register(AnalysisContext context)
    {
        context.RegisterSymbolAction(
            action =>
            {
                var type = (INamedTypeSymbol)action.Symbol;
                foreach (var child in type.IsModel() ? UnfollowedChild.In(type) : [])
                {
                    action.ReportDiagnostic(At(child.Declaration, child.Declaration.Name, child.Model.Name, child.Advice));
                }
            },
            SymbolKind.NamedType);
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
            action => CheckAssignment(action, ((IAssignmentOperation)action.Operation).Target, ((IAssignmentOperation)action.Operation).Value),
            OperationKind.SimpleAssignment,
            OperationKind.DeconstructionAssignment);
    }

    // Also the constructor's (attn, mlp) = (new Attention(), new Mlp()).
    private void CheckAssignment(OperationAnalysisContext action, IOperation target, IOperation value)
    {
        if (target is IFieldReferenceOperation reference)
        {
            CheckValue(action, reference.Field, value);
        }
        else if (target is ITupleOperation targets && WithoutConversion(value) is ITupleOperation values)
        {
            foreach (var (element, assigned) in targets.Elements.Zip(values.Elements, (element, assigned) => (element, assigned)))
            {
                CheckAssignment(action, element, assigned);
            }
        }
    }

    // A field of type Module or Sequential does not tell what it holds; what is put into it does.
    private void CheckValue(OperationAnalysisContext action, IFieldSymbol field, IOperation value)
    {
        if (!field.IsStatic
            && field.ContainingType.IsModel()
            && field.Type is INamedTypeSymbol type
            && type.IsModule()
            && type.FindHeldModel() is null
            && FindModel(value) is { } model)
        {
            action.ReportDiagnostic(At(value.Syntax.GetLocation(), field.Name, model.Name, UnfollowedChild.AdviceFor(model)));
        }
    }

    private static INamedTypeSymbol? FindModel(IOperation value)
    {
        var inner = WithoutConversion(value);
        return inner.Type?.FindModel() ?? Parts(inner).Select(FindModel).FirstOrDefault(model => model is not null);
    }

    // What a value is made of: Sequential(("a", new Block()), …), new ModuleList<Module>([new Block(), …]).
    private static IEnumerable<IOperation> Parts(IOperation value) => value switch
    {
        ITupleOperation tuple => tuple.Elements,
        IArrayCreationOperation { Initializer: { } initializer } => initializer.ElementValues,
        ICollectionExpressionOperation collection => collection.Elements,
        IInvocationOperation call when IsContainer(call.Type) => call.Arguments.Select(argument => argument.Value),
        IObjectCreationOperation creation when IsContainer(creation.Type) => creation.Arguments.Select(argument => argument.Value),
        _ => [],
    };

    private static bool IsContainer(ITypeSymbol? type)
        => type is INamedTypeSymbol named && named.WithBaseTypes().Any(t => t.Is(KnownTypes.Sequential) || t.Is(KnownTypes.ModuleList) || t.Is(KnownTypes.ModuleDict));

    private static IOperation WithoutConversion(IOperation value) => value is IConversionOperation conversion ? WithoutConversion(conversion.Operand) : value;
}
