using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA003: a [LoraTarget] that is not a projection which LoraGen knows how to adapt.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnsupportedTargetAnalyzer() : TargetAnalyzer(Rule)
{
    /// <summary>'{0}' cannot be a LoRA target: {1}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA003",
        title: "A [LoraTarget] must be a field of a supported type",
        messageFormat: "'{0}' cannot be a LoRA target: {1}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "A low-rank update needs a weight whose shape LoraGen knows. The supported types are TorchSharp's Linear, Embedding, Conv1d, Conv2d and Conv3d and LoraGen's Conv1D.",
        helpLinkUri: HelpLinks.For("LORA003"));

    private protected override Diagnostic? Check(LoraTargetField target)
    {
        if (target.IsHidden)
        {
            return At(target.Declaration, target.Declaration.Name, "it is a property; annotate a field");
        }

        // A type that does not exist, or not yet, is the compiler's to report.
        return target.Kind is not null || target.Field.Type.TypeKind == TypeKind.Error ? null : At(target.Declaration, target.Declaration.Name, Reason(target.Field.Type));
    }

    private static string Reason(ITypeSymbol type)
    {
        var name = type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
        return type is INamedTypeSymbol named && NativeModules.FindReplacement(named) is { } replacement
            ? $"'{name}' computes inside the native library; {replacement}"
            : $"its type is '{name}', not 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d'";
    }
}
