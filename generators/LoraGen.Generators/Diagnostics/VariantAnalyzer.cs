using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA018: a [LoraTarget] whose options do not go with the field's type or with each other.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class VariantAnalyzer() : FittingTargetAnalyzer(Rule)
{
    /// <summary>The options of '{0}' do not go together: {1}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA018",
        title: "The options of a [LoraTarget] must go with its field and with each other",
        messageFormat: "The options of '{0}' do not go together: {1}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "Not every kind of projection has every variant of the update and every start.",
        helpLinkUri: HelpLinks.For("LORA018"));

    private protected override string? FindMistake(LoraTargetField target) => target.VariantMistake;

    private protected override string? FindMistake(LoraTargetField target, NewProjection projection) => target.FindVariantMistake(projection);
}
