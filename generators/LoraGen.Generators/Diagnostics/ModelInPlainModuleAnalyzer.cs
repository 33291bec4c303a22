using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA012: a module that is not a [LoraModel] holds one, so that no adapter of a model around it reaches that far.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ModelInPlainModuleAnalyzer() : LoraAnalyzer(Rule)
{
    /// <summary>'{0}' holds the [LoraModel] class '{1}', but '{2}' is not a [LoraModel], so an adapter of a model around it does not reach '{0}': mark '{2}' with [LoraModel].</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA012",
        title: "A module that holds a [LoraModel] should be one itself",
        messageFormat: "'{0}' holds the [LoraModel] class '{1}', but '{2}' is not a [LoraModel], so an adapter of a model around it does not reach '{0}': mark '{2}' with [LoraModel]",
        category: HelpLinks.Category,

        // No error: a module that asks its child for an adapter of its own is sound.
        defaultSeverity: DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "The adapter's tree has a node per [LoraModel] class; below a class without the attribute, targets would silently never train.",
        helpLinkUri: HelpLinks.For("LORA012"));

    private protected override void Register(AnalysisContext context)
    {
        context.RegisterSymbolAction(
            action =>
            {
                var type = (INamedTypeSymbol)action.Symbol;
                foreach (var field in IsPlain(type) ? type.GetMembers().OfType<IFieldSymbol>() : [])
                {
                    if (!field.IsStatic && field.Type.FindHeldModel() is { } model)
                    {
                        var declaration = field.Declaration();
                        action.ReportDiagnostic(At(declaration, declaration.Name, model.Name, type.Name));
                    }
                }
            },
            SymbolKind.NamedType);
        context.RegisterOperationBlockStartAction(block => PlainHolders.Register(block, (action, placed, model) =>
        {
            if (IsPlain(placed.Type))
            {
                action.ReportDiagnostic(At(placed.Value.Syntax.GetLocation(), placed.Name, model.Name, placed.Type.Name));
            }
        }));
    }

    private static bool IsPlain(INamedTypeSymbol type) => type.IsModule() && !type.IsModel();
}
