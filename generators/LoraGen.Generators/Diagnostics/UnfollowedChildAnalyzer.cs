using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

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
        PlainHolders.Register(context, (action, field, value, model) =>
        {
            if (field.ContainingType.IsModel())
            {
                action.ReportDiagnostic(At(value.Syntax.GetLocation(), field.Name, model.Name, UnfollowedChild.AdviceFor(model)));
            }
        });
    }
}
