using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA016: a [LoraModel] class holds a module of TorchSharp that LoRA cannot reach into.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NativeModuleAnalyzer() : ModelAnalyzer(Rule)
{
    /// <summary>The projections of '{0}' stay frozen, since '{1}' computes inside the native library: to adapt them, {2}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA016",
        title: "A module that computes inside the native library cannot be adapted",
        messageFormat: "The projections of '{0}' stay frozen, since '{1}' computes inside the native library: to adapt them, {2}",
        category: HelpLinks.Category,

        // No warning: to keep the module frozen is sound, and must not break a build in which warnings are errors.
        defaultSeverity: DiagnosticSeverity.Info,
        isEnabledByDefault: true,
        description: "The module's projections are no fields that could be annotated, and its forward runs outside C#, where no update can be added.",
        helpLinkUri: HelpLinks.For("LORA016"));

    private protected override IEnumerable<Diagnostic> Check(LoraModelClass model)
        => from field in model.Type.FieldsInOrder()

           // On a [LoraTarget] LORA003 says the same.
           where !field.IsStatic && LoraTargetField.Find(field) is null
           let module = field.Type.FindNativeModule()
           where module is not null
           let declaration = field.AssociatedSymbol ?? field
           select At(declaration, declaration.Name, module.Name, NativeModules.FindReplacement(module)!);
}
