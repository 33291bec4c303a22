using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA004: a rank below 1.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class RankAnalyzer() : TargetValueAnalyzer(Rule, "Rank")
{
    /// <summary>The rank must be at least 1, not '{0}'.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA004",
        title: "The rank must be at least 1",
        messageFormat: "The rank must be at least 1, not '{0}'",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "A is [r, in] and B is [out, r]; with r below 1 there is nothing to train.",
        helpLinkUri: HelpLinks.For("LORA004"));

    private protected override bool IsValid(LoraTargetField target) => target.HasValidRank;
}
