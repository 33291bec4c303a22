using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace LoraGen.CodeFixes;

/// <summary>A fix that rewrites one document; all of a document's diagnostics are fixed in one pass.</summary>
public abstract class LoraCodeFix : CodeFixProvider
{
    private readonly string _title;

    private protected LoraCodeFix(string title, params string[] fixes)
    {
        _title = title;
        FixableDiagnosticIds = [.. fixes];
    }

    /// <inheritdoc/>
    public sealed override ImmutableArray<string> FixableDiagnosticIds { get; }

    /// <inheritdoc/>
    public sealed override FixAllProvider GetFixAllProvider() => FixAllProvider.Create(
        async (context, document, diagnostics) => await FixAsync(document, diagnostics, context.CancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    public sealed override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        var root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        foreach (var diagnostic in context.Diagnostics)
        {
            // Half-typed code, or a case that needs the user's judgement.
            if (root is null || ReferenceEquals(await FixAsync(context.Document, root, [diagnostic], context.CancellationToken).ConfigureAwait(false), root))
            {
                continue;
            }

            context.RegisterCodeFix(
                CodeAction.Create(_title, token => FixAsync(context.Document, [diagnostic], token), equivalenceKey: GetType().Name),
                diagnostic);
        }
    }

    /// <summary>Rewrites the document; what cannot be fixed stays as it is.</summary>
    private protected abstract Task<SyntaxNode> FixAsync(Document document, SyntaxNode root, ImmutableArray<Diagnostic> diagnostics, CancellationToken token);

    private async Task<Document> FixAsync(Document document, ImmutableArray<Diagnostic> diagnostics, CancellationToken token)
    {
        var root = await document.GetSyntaxRootAsync(token).ConfigureAwait(false);
        return root is null ? document : document.WithSyntaxRoot(await FixAsync(document, root, diagnostics, token).ConfigureAwait(false));
    }
}
