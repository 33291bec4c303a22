using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA007: an alpha that is not a positive number.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class AlphaAnalyzer() : TargetValueAnalyzer(Rule, "Alpha")
{
    /// <summary>Alpha must be a number above 0, not '{0}'.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA007",
        title: "Alpha must be above 0",
        messageFormat: "Alpha must be a number above 0, not '{0}'",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "The update is scaled by alpha / r: 0 switches it off for good, and what is not a finite number spoils every activation.",
        helpLinkUri: HelpLinks.For("LORA007"));

    private protected override bool IsValid(LoraTargetField target) => target.HasValidAlpha;
}
