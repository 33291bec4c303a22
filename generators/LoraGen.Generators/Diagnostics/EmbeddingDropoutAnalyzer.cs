using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA024: a dropout on an embedding, where it is never applied.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class EmbeddingDropoutAnalyzer() : TargetValueAnalyzer(Rule, "Dropout")
{
    /// <summary>Dropout '{0}' has no effect on an embedding.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA024",
        title: "Dropout has no effect on an embedding",
        messageFormat: "Dropout '{0}' has no effect on an embedding",
        category: HelpLinks.Category,

        // What is computed is sound; only what was asked for does not happen.
        defaultSeverity: DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "Dropout drops components of A's input, and an id has none; PEFT does not apply it either.",
        helpLinkUri: HelpLinks.For("LORA024"));

    private protected override bool IsValid(LoraTargetField target)
        => target.Kind is not { Drops: false } || target.Dropout == 0 || !target.HasValidDropout;
}
