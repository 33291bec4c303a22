using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.CodeFixes;

/// <summary>Edits of a type's declaration that leave its layout alone.</summary>
internal static class TypeDeclarations
{
    public static bool IsPartial(this TypeDeclarationSyntax type) => type.Modifiers.Any(SyntaxKind.PartialKeyword);

    public static TypeDeclarationSyntax WithPartial(this TypeDeclarationSyntax type)
    {
        if (type.IsPartial())
        {
            return type;
        }

        // `partial` stands last; without other modifiers it takes over what stood before `class`.
        var partial = SyntaxFactory.Token(SyntaxKind.PartialKeyword).WithTrailingTrivia(SyntaxFactory.Space);
        return type.Modifiers.Count > 0
            ? type.WithModifiers(type.Modifiers.Add(partial))
            : type.WithKeyword(type.Keyword.WithLeadingTrivia()).AddModifiers(partial.WithLeadingTrivia(type.Keyword.LeadingTrivia));
    }

    /// <summary>Adds an attribute on a line of its own, above what is there.</summary>
    public static TypeDeclarationSyntax WithAttribute(this TypeDeclarationSyntax type, NameSyntax name, SyntaxTrivia lineEnd)
    {
        var leading = type.GetLeadingTrivia();
        var indentation = leading.Reverse().TakeWhile(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia));
        var list = SyntaxFactory.AttributeList([SyntaxFactory.Attribute(name)]).WithLeadingTrivia(leading).WithTrailingTrivia(lineEnd);
        type = type.WithLeadingTrivia(indentation);
        return (TypeDeclarationSyntax)type.WithAttributeLists(type.AttributeLists.Insert(0, list));
    }
}
