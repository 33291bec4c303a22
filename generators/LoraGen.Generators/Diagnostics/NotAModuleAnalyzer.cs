using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA006: a [LoraModel] class that is not a TorchSharp module.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NotAModuleAnalyzer() : ModelAnalyzer(Rule)
{
    /// <summary>'{0}' is a [LoraModel] and must {1}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA006",
        title: "A [LoraModel] class must be a TorchSharp module",
        messageFormat: "'{0}' is a [LoraModel] and must {1}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "An adapter is named after the components of a module; a class without components has no keys to save it under.",
        helpLinkUri: HelpLinks.For("LORA006"));

    private protected override IEnumerable<Diagnostic> Check(LoraModelClass model)
    {
        // A base class that does not exist, or not yet, is the compiler's to report.
        if (!model.IsModule && model.Type.WithBaseTypes().All(type => type.TypeKind != TypeKind.Error))
        {
            yield return At(model.Type, model.Type.Name, Advice(model.Type));
        }
    }

    private static string Advice(INamedTypeSymbol type)
    {
        var kind = type.IsRecord ? "record" : type.IsStatic ? "static class" : null;
        return kind is null ? "derive from TorchSharp's Module" : $"be a class that derives from TorchSharp's Module, which a {kind} cannot";
    }
}
