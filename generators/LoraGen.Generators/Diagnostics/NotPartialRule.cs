using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Diagnostics;

/// <summary>
/// LORA001: a [LoraModel] class or a type around it is not partial, so its other half cannot be written. The generator itself reports this:
/// without the other half csc stops at the first signature that names the adapter (CS0426), before it asks any analyzer.
/// </summary>
public static class NotPartialRule
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

    internal static ClosedClassInfo? Find(LoraModelClass model)
    {
        if (model.ClosedTypes.FirstOrDefault() is not { } type)
        {
            return null;
        }

        var name = NameToFix(model.Type);
        return new ClosedClassInfo(
            name.SyntaxTree!.FilePath,
            name.Span,
            type.Name,
            type.IsFileLocal ? "must not be a file-local type" : "must be partial",
            model.Type.Name);
    }

    internal static Diagnostic Make(ClosedClassInfo closed, Compilation compilation)
    {
        var tree = compilation.SyntaxTrees.First(tree => tree.FilePath == closed.File && tree.Length >= closed.Span.End);
        return Diagnostic.Create(Rule, Location.Create(tree, closed.Span), closed.Type, closed.Demand, closed.Model);
    }

    // The class itself, at its part that is not partial if it has one.
    private static SyntaxToken NameToFix(INamedTypeSymbol type)
    {
        var parts = type.DeclaringSyntaxReferences.Select(part => part.GetSyntax()).OfType<TypeDeclarationSyntax>().ToList();
        var part = parts.FirstOrDefault(p => !p.Modifiers.Any(SyntaxKind.PartialKeyword)) ?? parts[0];
        return part.Identifier;
    }
}
