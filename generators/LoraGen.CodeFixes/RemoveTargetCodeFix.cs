using System.Collections.Immutable;
using System.Composition;
using LoraGen.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.CodeFixes;

/// <summary>LORA003: removes [LoraTarget] from what cannot be a target.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class RemoveTargetCodeFix() : SyntaxCodeFix("Remove [LoraTarget]", UnsupportedTargetAnalyzer.Rule.Id)
{
    private protected override SyntaxNode Fix(SyntaxNode root, ImmutableArray<Diagnostic> diagnostics)
    {
        var members = diagnostics
            .Select(diagnostic => root.FindNode(diagnostic.Location.SourceSpan).FirstAncestorOrSelf<MemberDeclarationSyntax>())
            .OfType<MemberDeclarationSyntax>()
            .Where(member => member.AttributeLists.Any(list => list.Attributes.Any(IsTarget)));
        return root.ReplaceNodes(members.Distinct(), (_, member) => WithoutTarget(member));
    }

    private static MemberDeclarationSyntax WithoutTarget(MemberDeclarationSyntax member)
    {
        var lists = member.AttributeLists
            .Select(list => list.WithAttributes(list.Attributes.Remove(list.Attributes.FirstOrDefault(IsTarget)!)))
            .Where(list => list.Attributes.Count > 0);

        // Whatever stands first now keeps the member's comments and indentation.
        return member.WithAttributeLists([.. lists]).WithLeadingTrivia(member.GetLeadingTrivia());
    }

    private static bool IsTarget(AttributeSyntax attribute)
    {
        var name = attribute.Name switch
        {
            QualifiedNameSyntax qualified => qualified.Right,
            AliasQualifiedNameSyntax qualified => qualified.Name,
            var simple => simple as SimpleNameSyntax,
        };
        return name?.Identifier.ValueText is "LoraTarget" or "LoraTargetAttribute";
    }
}
