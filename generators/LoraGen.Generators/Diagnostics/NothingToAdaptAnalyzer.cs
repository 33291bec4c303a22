using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA010: a [LoraModel] class with no [LoraTarget] in it or below it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NothingToAdaptAnalyzer() : LoraAnalyzer(Rule)
{
    /// <summary>'{0}' is a [LoraModel] but has nothing to adapt: mark a 'Linear' field with [LoraTarget], or hold a child that has one.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA010",
        title: "A [LoraModel] class must have something to adapt",
        messageFormat: "'{0}' is a [LoraModel] but has nothing to adapt: mark a 'Linear' field with [LoraTarget], or hold a child that has one",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "An adapter without a single update would train nothing and save an empty file.",
        helpLinkUri: HelpLinks.For("LORA010"));

    private protected override void Register(AnalysisContext context) => context.RegisterSymbolStartAction(
        start =>
        {
            var type = (INamedTypeSymbol)start.Symbol;
            if (type.TypeKind != TypeKind.Class || !type.IsModel() || new LoraModelClass(type, start.CancellationToken).MentionsTarget)
            {
                return;
            }

            // What is below a child that the adapter cannot follow is unknown, and LORA011 names that child.
            var hasUnfollowedChild = UnfollowedChild.In(type).Any();
            start.RegisterOperationBlockStartAction(block => PlainHolders.Register(
                block,
                (_, placed, _) => hasUnfollowedChild |= SymbolEqualityComparer.Default.Equals(placed.Type, type)));
            start.RegisterSymbolEndAction(end =>
            {
                if (!hasUnfollowedChild)
                {
                    end.ReportDiagnostic(At(type, type.Name));
                }
            });
        },
        SymbolKind.NamedType);
}
