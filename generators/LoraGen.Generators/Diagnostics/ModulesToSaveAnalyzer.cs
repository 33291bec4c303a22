using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA023: a [LoraModel] class asks to save what its adapter cannot.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ModulesToSaveAnalyzer() : ModelAnalyzer(Rule)
{
    /// <summary>An adapter of '{0}' cannot save '{1}': {2}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA023",
        title: "ModulesToSave must name annotated projections or [LoraModel] children",
        messageFormat: "An adapter of '{0}' cannot save '{1}': {2}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "A name means the modules whose path is that name or ends with a dot and that name. Only annotated projections have a place in an adapter.",
        helpLinkUri: HelpLinks.For("LORA023"));

    private protected override IEnumerable<Diagnostic> Check(LoraModelClass model)
        => ModulesToSave.Mistakes(model).Select(mistake => At(mistake.Where, model.Type.Name, mistake.Name, mistake.Reason));
}
