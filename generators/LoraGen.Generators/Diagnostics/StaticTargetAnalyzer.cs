using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA009: a static [LoraTarget].</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class StaticTargetAnalyzer() : TargetAnalyzer(Rule)
{
    /// <summary>'{0}' is a [LoraTarget] and must not be static.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA009",
        title: "A [LoraTarget] must not be static",
        messageFormat: "'{0}' is a [LoraTarget] and must not be static",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "TorchSharp registers instance fields only: a static projection has no key, and all models of the class would share it.",
        helpLinkUri: HelpLinks.For("LORA009"));

    private protected override Diagnostic? Check(LoraTargetField target)
        => target.IsStatic ? At(target.Declaration, target.Declaration.Name) : null;
}
