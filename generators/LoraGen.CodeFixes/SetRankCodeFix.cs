using System.Collections.Immutable;
using System.Composition;
using LoraGen.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.CodeFixes;

/// <summary>LORA004: sets the rank to 8, the default here as in PEFT.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class SetRankCodeFix() : SyntaxCodeFix("Set the rank to 8", RankAnalyzer.Rule.Id)
{
    private protected override SyntaxNode Fix(SyntaxNode root, ImmutableArray<Diagnostic> diagnostics)
    {
        var ranks = diagnostics
            .Select(diagnostic => root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true))
            .OfType<ExpressionSyntax>();
        return root.ReplaceNodes(ranks, (_, rank) => SyntaxFactory
            .LiteralExpression(SyntaxKind.NumericLiteralExpression, SyntaxFactory.Literal(8))
            .WithTriviaFrom(rank));
    }
}
