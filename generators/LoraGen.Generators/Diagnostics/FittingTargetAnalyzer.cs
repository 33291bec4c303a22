using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>A rule about how the values in [LoraTarget] fit each other and, where constants tell, the projection that is put into the field.</summary>
public abstract class FittingTargetAnalyzer : TargetAnalyzer
{
    private protected FittingTargetAnalyzer(DiagnosticDescriptor rule)
        : base(rule)
    {
    }

    private protected sealed override void Register(AnalysisContext context)
    {
        base.Register(context);
        context.RegisterOperationAction(
            action =>
            {
                foreach (var placed in PlacedValue.AssignedBy(action.Operation))
                {
                    if (NewProjection.Find(placed.Value) is { } projection
                        && LoraTargetField.Find(placed.Field!) is { } target
                        && FindMistake(target) is null
                        && FindMistake(target, projection) is { } mistake)
                    {
                        action.ReportDiagnostic(At(placed.Value.Syntax.GetLocation(), target.Field.Name, mistake));
                    }
                }
            },
            OperationKind.FieldInitializer,
            OperationKind.SimpleAssignment,
            OperationKind.CoalesceAssignment,
            OperationKind.DeconstructionAssignment);
    }

    private protected sealed override Diagnostic? Check(LoraTargetField target)
        => FindMistake(target) is { } mistake && target.IsFirstOfDeclaration ? At(target.Declaration, target.Declaration.Name, mistake) : null;

    /// <summary>What is wrong whatever the projection is, as the end of a sentence, or null.</summary>
    private protected abstract string? FindMistake(LoraTargetField target);

    /// <summary>What is wrong with this projection, or null.</summary>
    private protected abstract string? FindMistake(LoraTargetField target, NewProjection projection);
}
