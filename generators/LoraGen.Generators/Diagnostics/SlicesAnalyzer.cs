using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA017: a [LoraTarget] whose Slices and Trained do not fit each other.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SlicesAnalyzer() : TargetAnalyzer(Rule)
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

    private protected override Diagnostic? Check(LoraTargetField target)
        => target.SlicesMistake is { } mistake && target.IsFirstOfDeclaration ? At(target.Declaration, target.Declaration.Name, mistake) : null;
}
