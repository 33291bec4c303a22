using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA008: a dropout that is not a probability below 1.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class DropoutAnalyzer() : TargetValueAnalyzer(Rule, "Dropout")
{
    /// <summary>Dropout must be at least 0 and below 1, not '{0}'.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA008",
        title: "Dropout must be at least 0 and below 1",
        messageFormat: "Dropout must be at least 0 and below 1, not '{0}'",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "Dropout is the probability that an input of A is dropped while training; at 1 nothing would reach A.",
        helpLinkUri: HelpLinks.For("LORA008"));

    private protected override bool IsValid(LoraTargetField target) => target.HasValidDropout;
}
