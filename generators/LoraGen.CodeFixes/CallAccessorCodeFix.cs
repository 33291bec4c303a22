using System.Collections.Immutable;
using System.Composition;
using LoraGen.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.CodeFixes;

/// <summary>LORA005: calls the generated method in place of the projection; <c>q_proj.call(x)</c> becomes <c>QProj(x)</c>.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class CallAccessorCodeFix() : SyntaxCodeFix("Call the generated method", BypassedAdapterAnalyzer.Rule.Id)
{
    private protected override SyntaxNode Fix(SyntaxNode root, ImmutableArray<Diagnostic> diagnostics)
    {
        var accessors = new Dictionary<SyntaxNode, string>();
        foreach (var diagnostic in diagnostics)
        {
            // `q_proj?.call(x)` has no such node: what null should mean is for the user to say.
            var node = root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true);
            var callee = node is InvocationExpressionSyntax invocation ? invocation.Expression : node;
            if (callee is MemberAccessExpressionSyntax access
                && diagnostic.Properties.TryGetValue(BypassedAdapterAnalyzer.Accessor, out var accessor)
                && FindAccessor(access.Expression, accessor!) is not null)
            {
                accessors[access] = accessor!;
            }
        }

        return root.ReplaceNodes(
            accessors.Keys,
            (original, access) => FindAccessor(((MemberAccessExpressionSyntax)access).Expression, accessors[original])!.WithTriviaFrom(access));
    }

    // Whose projection is called is whose method is called: `other.q_proj` becomes `other.QProj`.
    private static ExpressionSyntax? FindAccessor(ExpressionSyntax projection, string accessor) => projection switch
    {
        IdentifierNameSyntax => SyntaxFactory.ParseName(accessor),
        MemberAccessExpressionSyntax access => access.WithName((SimpleNameSyntax)SyntaxFactory.ParseName(accessor)),
        CastExpressionSyntax cast => FindAccessor(cast.Expression, accessor),
        BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AsExpression } cast => FindAccessor(cast.Left, accessor),
        ParenthesizedExpressionSyntax parenthesized => FindAccessor(parenthesized.Expression, accessor),
        PostfixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.SuppressNullableWarningExpression } sure => FindAccessor(sure.Operand, accessor),
        _ => null,
    };
}
