using System.Collections.Immutable;
using LoraGen.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Tests.Running;

/// <summary>Stands for the generator where a test asks which analyzer has the rule: it names LORA001, and leaves it to the generator to report it.</summary>
#pragma warning disable RS1001 // it is for no compiler to load
internal sealed class OfTheGenerator : DiagnosticAnalyzer
#pragma warning restore RS1001
{
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [NotPartialRule.Rule];

    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
    }
}
