using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA002: a [LoraTarget] whose class is not a [LoraModel].</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NoModelAnalyzer() : TargetAnalyzer(Rule)
{
    /// <summary>'{0}' is a [LoraTarget], but '{1}' is not a [LoraModel], so nothing would adapt it: mark '{1}' with [LoraModel].</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA002",
        title: "A [LoraTarget] must be in a [LoraModel] class",
        messageFormat: "'{0}' is a [LoraTarget], but '{1}' is not a [LoraModel], so nothing would adapt it: mark '{1}' with [LoraModel]",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "Only classes with [LoraModel] are generated for; without it the annotated projection would silently stay as it is.",
        helpLinkUri: HelpLinks.For("LORA002"));

    private protected override Diagnostic? Check(LoraTargetField target)
        => target.Field.ContainingType.IsModel() ? null : At(target.Declaration, target.Declaration.Name, target.Field.ContainingType.Name);
}
