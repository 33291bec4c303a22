using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA017: a [LoraTarget] whose Slices and Trained do not fit each other or the projection.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SlicesAnalyzer() : FittingTargetAnalyzer(Rule)
{
    /// <summary>The slices of '{0}' do not fit: {1}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA017",
        title: "The slices of a fused projection must fit",
        messageFormat: "The slices of '{0}' do not fit: {1}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "Slices says of how many equal parts the output of a fused projection is made, and Trained which of them are adapted.",
        helpLinkUri: HelpLinks.For("LORA017"));

    private protected override string? FindMistake(LoraTargetField target) => target.SlicesMistake;

    private protected override string? FindMistake(LoraTargetField target, NewProjection projection) => target.FindSlicesMistake(projection);
}
