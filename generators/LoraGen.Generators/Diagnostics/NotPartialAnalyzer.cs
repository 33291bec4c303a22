using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA001: a [LoraModel] class or a type around it is not partial, so its other half cannot be written.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NotPartialAnalyzer() : ModelAnalyzer(Rule)
{
    /// <summary>'{0}' {1}: LoraGen writes the other half of the [LoraModel] class '{2}' in a file of its own.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA001",
        title: "A [LoraModel] class must be partial",
        messageFormat: "'{0}' {1}: LoraGen writes the other half of the [LoraModel] class '{2}' in a file of its own",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "The class and every type that it is nested in must be partial, so that a generated file can add members to it.",
        helpLinkUri: HelpLinks.For("LORA001"));

    private protected override IEnumerable<Diagnostic> Check(LoraModelClass model)
    {
        if (model.ClosedTypes.FirstOrDefault() is { } type)
        {
            yield return At(WhereToFix(model.Type), type.Name, type.IsFileLocal ? "must not be a file-local type" : "must be partial", model.Type.Name);
        }
    }

    // The class itself, at its part that is not partial if it has one.
    private static Location WhereToFix(INamedTypeSymbol type)
    {
        var parts = type.DeclaringSyntaxReferences.Select(part => part.GetSyntax()).OfType<TypeDeclarationSyntax>().ToList();
        var part = parts.FirstOrDefault(p => !p.Modifiers.Any(SyntaxKind.PartialKeyword)) ?? parts[0];
        return part.Identifier.GetLocation();
    }
}
