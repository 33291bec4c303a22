using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>A rule about [LoraModel] classes.</summary>
public abstract class ModelAnalyzer : LoraAnalyzer
{
    private protected ModelAnalyzer(DiagnosticDescriptor rule)
        : base(rule)
    {
    }

    private protected sealed override void Register(AnalysisContext context) => context.RegisterSymbolAction(
        action =>
        {
            // On a struct the compiler refuses the attribute, and there is no more to say.
            var type = (INamedTypeSymbol)action.Symbol;
            if (type.TypeKind != TypeKind.Class || !type.IsModel())
            {
                return;
            }

            foreach (var diagnostic in Check(new LoraModelClass(type, action.CancellationToken)))
            {
                action.ReportDiagnostic(diagnostic);
            }
        },
        SymbolKind.NamedType);

    private protected abstract IEnumerable<Diagnostic> Check(LoraModelClass model);
}
