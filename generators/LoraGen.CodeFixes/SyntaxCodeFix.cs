using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace LoraGen.CodeFixes;

/// <summary>A fix for which the text of the document tells enough.</summary>
public abstract class SyntaxCodeFix : LoraCodeFix
{
    private protected SyntaxCodeFix(string title, params string[] fixes)
        : base(title, fixes)
    {
    }

    private protected sealed override Task<SyntaxNode> FixAsync(Document document, SyntaxNode root, ImmutableArray<Diagnostic> diagnostics, CancellationToken token)
        => Task.FromResult(Fix(root, diagnostics));

    /// <inheritdoc cref="LoraCodeFix.FixAsync(Document, SyntaxNode, ImmutableArray{Diagnostic}, CancellationToken)"/>
    private protected abstract SyntaxNode Fix(SyntaxNode root, ImmutableArray<Diagnostic> diagnostics);
}
