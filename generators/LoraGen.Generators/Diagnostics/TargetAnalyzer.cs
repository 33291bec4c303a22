using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>A rule about each [LoraTarget] field, whether its class is a [LoraModel] or not.</summary>
public abstract class TargetAnalyzer : LoraAnalyzer
{
    private protected TargetAnalyzer(DiagnosticDescriptor rule)
        : base(rule)
    {
    }

    // By the type and not by the field: Roslyn announces no symbol for the hidden field of a property.
    private protected override void Register(AnalysisContext context) => context.RegisterSymbolAction(
        action =>
        {
            foreach (var target in LoraTargetField.In((INamedTypeSymbol)action.Symbol))
            {
                if (Check(target) is { } diagnostic)
                {
                    action.ReportDiagnostic(diagnostic);
                }
            }
        },
        SymbolKind.NamedType);

    private protected abstract Diagnostic? Check(LoraTargetField target);
}
