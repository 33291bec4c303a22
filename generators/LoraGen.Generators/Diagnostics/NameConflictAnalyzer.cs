using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA013: a generated member would have the name of another one.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NameConflictAnalyzer() : ModelAnalyzer(Rule)
{
    /// <summary>'{0}' cannot be generated in '{1}': {2}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA013",
        title: "A generated member's name must be free",
        messageFormat: "'{0}' cannot be generated in '{1}': {2}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "The generated half of a class cannot have a member that the class or its base already has. [LoraTarget(Name = …)] renames a projection's method.",
        helpLinkUri: HelpLinks.For("LORA013"));

    private protected override IEnumerable<Diagnostic> Check(LoraModelClass model)
        => model.NameConflicts.Select(conflict => At(conflict.Where, conflict.Name, model.Type.Name, conflict.Reason));
}
