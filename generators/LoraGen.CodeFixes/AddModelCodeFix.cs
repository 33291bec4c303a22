using System.Collections.Immutable;
using System.Composition;
using LoraGen.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Simplification;

namespace LoraGen.CodeFixes;

/// <summary>LORA002, LORA012: makes the class a [LoraModel], and partial with every type around it; a record, a struct or a static class cannot be one.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class AddModelCodeFix() : SyntaxCodeFix("Add [LoraModel] to the class", NoModelAnalyzer.Rule.Id, ModelInPlainModuleAnalyzer.Rule.Id)
{
    private protected override SyntaxNode Fix(SyntaxNode root, ImmutableArray<Diagnostic> diagnostics)
    {
        var classes = diagnostics
            .Select(diagnostic => root.FindNode(diagnostic.Location.SourceSpan).FirstAncestorOrSelf<TypeDeclarationSyntax>())
            .OfType<ClassDeclarationSyntax>()
            .Where(type => !type.Modifiers.Any(SyntaxKind.StaticKeyword))
            .ToImmutableHashSet<TypeDeclarationSyntax>();
        var enclosing = classes.SelectMany(type => type.Ancestors()).OfType<TypeDeclarationSyntax>();
        var lineEnd = root.DescendantTrivia().FirstOrDefault(trivia => trivia.IsKind(SyntaxKind.EndOfLineTrivia));
        return root.ReplaceNodes(
            classes.Union(enclosing),
            (original, type) => classes.Contains(original)
                ? type.WithPartial().WithAttribute(LoraModel(), lineEnd.IsKind(SyntaxKind.None) ? SyntaxFactory.LineFeed : lineEnd)
                : type.WithPartial());
    }

    private static NameSyntax LoraModel() => SyntaxFactory.ParseName("global::LoraGen.LoraModel").WithAdditionalAnnotations(Simplifier.Annotation);
}
