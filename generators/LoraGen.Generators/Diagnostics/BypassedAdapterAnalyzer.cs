using System.Collections.Immutable;
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
    /// <summary>The name under which the diagnostic carries the method to call, where it can be called from.</summary>
    public const string Accessor = nameof(Accessor);

    /// <summary>'{0}' is called past its adapter: call '{1}' in its place.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA005",
        title: "An annotated projection must be called through its generated method",
        messageFormat: "'{0}' is called past its adapter: call '{1}' in its place",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "The generated method adds the active adapter's update; the projection itself knows nothing of it.",
        helpLinkUri: HelpLinks.For("LORA005"));

    private protected override void Register(AnalysisContext context)
    {
        context.RegisterOperationAction(
            action => Check(action, ((IInvocationOperation)action.Operation).Instance, ((IInvocationOperation)action.Operation).TargetMethod),
            OperationKind.Invocation);
        context.RegisterOperationAction(
            action => Check(action, ((IMethodReferenceOperation)action.Operation).Instance, ((IMethodReferenceOperation)action.Operation).Method),
            OperationKind.MethodReference);
    }

    private void Check(OperationAnalysisContext action, IOperation? receiver, IMethodSymbol method)
    {
        if (method.Name is not ("call" or "forward") || FindField(receiver) is not { } field)
        {
            return;
        }

        // A target without a [LoraModel] has no generated method, and a rule of its own.
        if (LoraTargetField.Find(field) is not { } target || !field.ContainingType.IsModel())
        {
            return;
        }

        // The generated method is private: from another class there is nothing to call, and nothing for a code fix to do.
        var isInside = action.ContainingSymbol.ContainingType?.WithContainingTypes().Contains(field.ContainingType, SymbolEqualityComparer.Default) == true;
        var properties = ImmutableDictionary<string, string?>.Empty;
        action.ReportDiagnostic(Diagnostic.Create(
            Rule,
            action.Operation.Syntax.GetLocation(),
            isInside ? properties.Add(Accessor, Literals.Identifier(target.Accessor)) : properties,
            field.Name,
            target.Accessor));
    }

    private static IFieldSymbol? FindField(IOperation? receiver) => receiver switch
    {
        IFieldReferenceOperation reference => reference.Field,
        IConversionOperation conversion => FindField(conversion.Operand),

        // In q_proj?.call(x) the call's own receiver is a placeholder for what stands before the question mark.
        IConditionalAccessInstanceOperation placeholder => FindField(FindAccess(placeholder)?.Operation),
        _ => null,
    };

    private static IConditionalAccessOperation? FindAccess(IConditionalAccessInstanceOperation placeholder)
    {
        for (IOperation? child = placeholder, parent = placeholder.Parent; parent is not null; (child, parent) = (parent, parent.Parent))
        {
            if (parent is IConditionalAccessOperation access && access.WhenNotNull == child)
            {
                return access;
            }
        }

        return null;
    }
}
