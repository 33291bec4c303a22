using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA010: a [LoraModel] class with no [LoraTarget] in it or below it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NothingToAdaptAnalyzer() : ModelAnalyzer(Rule)
{
    /// <summary>'{0}' is a [LoraModel] but has nothing to adapt: neither a [LoraTarget] nor a child with one.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA010",
        title: "A [LoraModel] class must have something to adapt",
        messageFormat: "'{0}' is a [LoraModel] but has nothing to adapt: neither a [LoraTarget] nor a child with one",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "An adapter without a single update would train nothing and save an empty file.",
        helpLinkUri: HelpLinks.For("LORA010"));

    private protected override IEnumerable<Diagnostic> Check(LoraModelClass model)
    {
        // What is below a child that the adapter cannot follow is unknown, and LORA011 names that child.
        if (!model.MentionsTarget && !UnfollowedChild.In(model.Type).Any())
        {
            yield return At(model.Type, model.Type.Name);
        }
    }
}
