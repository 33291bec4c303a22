using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA025: projections of one model whose attributes give different dropouts, or of which some have DoRA or a bias of B.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SharedOptionAnalyzer() : ModelAnalyzer(Rule)
{
    /// <summary>'{0}' has {1} = {2} and '{3}' has {4}, and an adapter of '{5}' has one for all: without a LoraConfig that says which, CreateAdapter refuses it.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA025",
        title: "The projections of a model should share Dropout, UseDora and LoraBias",
        messageFormat: "'{0}' has {1} = {2} and '{3}' has {4}, and an adapter of '{5}' has one for all: without a LoraConfig that says which, CreateAdapter refuses it",
        category: HelpLinks.Category,

        // No error: a LoraConfig may give the one value at every call.
        defaultSeverity: DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "PEFT's format has one lora_dropout, one use_dora and one lora_bias for a whole adapter.",
        helpLinkUri: HelpLinks.For("LORA025"));

    private protected override IEnumerable<Diagnostic> Check(LoraModelClass model)
        => SharedOptionConflict.In(model).Select(conflict => At(
            PlaceOf(conflict, model.Type),
            conflict.First.Field.Name,
            conflict.Option,
            conflict.FirstValue,
            conflict.Other.Field.Name,
            conflict.OtherValue,
            model.Type.Name));

    // What another class says is not wrong there.
    private static Location PlaceOf(SharedOptionConflict conflict, INamedTypeSymbol type)
        => !SymbolEqualityComparer.Default.Equals(conflict.Other.Field.ContainingType, type) ? type.Locations[0]
            : conflict.Other.FindValue(conflict.Option)?.GetLocation() ?? conflict.Other.Declaration.Locations[0];
}
