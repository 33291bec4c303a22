using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA014: an annotated projection or a [LoraModel] child has a name under which TorchSharp cannot register it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ComponentNameAnalyzer() : LoraAnalyzer(Rule)
{
    /// <summary>The component '{0}' cannot be registered: {1}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA014",
        title: "A component must have a name of its own that TorchSharp can register",
        messageFormat: "The component '{0}' cannot be registered: {1}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "Of two components with one name TorchSharp silently drops one, whose weights are then neither saved nor moved, and Module.to() throws.",
        helpLinkUri: HelpLinks.For("LORA014"));

    // Any class, since one that is no [LoraModel] may hide a field of a base class that is.
    private protected override void Register(AnalysisContext context) => context.RegisterSymbolAction(
        action =>
        {
            foreach (var conflict in ComponentNameConflict.In((INamedTypeSymbol)action.Symbol))
            {
                action.ReportDiagnostic(At(conflict.Declaration, conflict.Name, conflict.Reason));
            }
        },
        SymbolKind.NamedType);
}
