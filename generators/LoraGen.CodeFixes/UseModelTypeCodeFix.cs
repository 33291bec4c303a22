using System.Collections.Immutable;
using System.Composition;
using LoraGen.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.CodeFixes;

/// <summary>LORA011: declares a field of type Module that only ever holds one <c>new Block()</c> as a Block.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class UseModelTypeCodeFix() : LoraCodeFix("Declare the field as the child's class", UnfollowedChildAnalyzer.Rule.Id)
{
    private protected override async Task<SyntaxNode> FixAsync(Document document, SyntaxNode root, ImmutableArray<Diagnostic> diagnostics, CancellationToken token)
    {
        var model = await document.GetSemanticModelAsync(token).ConfigureAwait(false);
        var types = new Dictionary<TypeSyntax, TypeSyntax>();
        foreach (var diagnostic in diagnostics.Where(diagnostic => diagnostic.Properties.ContainsKey(UnfollowedChildAnalyzer.IsNewChild)))
        {
            if (model is not null
                && root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true) is ObjectCreationExpressionSyntax creation
                && FindField(creation, model, token)?.DeclaringSyntaxReferences.FirstOrDefault() is { } declared
                && declared.SyntaxTree == root.SyntaxTree
                && root.FindNode(declared.Span) is VariableDeclaratorSyntax { Parent: VariableDeclarationSyntax { Variables.Count: 1 } declaration } variable
                && await FieldUses.FindAsync(variable, model, document, token).ConfigureAwait(false) is { } uses
                && IsOnlyValue(creation, variable, uses)
                && uses.All(IsPossible))
            {
                types[declaration.Type is NullableTypeSyntax nullable ? nullable.ElementType : declaration.Type] = creation.Type;
            }
        }

        return root.ReplaceNodes(types.Keys, (original, type) => types[original].WithTriviaFrom(type));
    }

    private static ISymbol? FindField(ObjectCreationExpressionSyntax creation, SemanticModel model, CancellationToken token) => creation.Parent switch
    {
        EqualsValueClauseSyntax { Parent: VariableDeclaratorSyntax variable } => model.GetDeclaredSymbol(variable, token),
        AssignmentExpressionSyntax assignment => model.GetSymbolInfo(assignment.Left, token).Symbol,
        ArgumentSyntax { Parent: TupleExpressionSyntax { Parent: AssignmentExpressionSyntax { Left: TupleExpressionSyntax targets } } values } value
            => model.GetSymbolInfo(targets.Arguments[values.Arguments.IndexOf(value)].Expression, token).Symbol,
        _ => null,
    };

    private static bool IsOnlyValue(ExpressionSyntax value, VariableDeclaratorSyntax variable, IEnumerable<ExpressionSyntax> uses)
        => uses.Select(FieldUses.FindAssignedValue).Append(variable.Initializer?.Value).OfType<ExpressionSyntax>().All(assigned => assigned == value);

    // What means the same whether the field is a Module or a Block; `new[] { block, norm }` would not.
    private static bool IsPossible(ExpressionSyntax use) => use.Parent switch
    {
        MemberAccessExpressionSyntax access => access.Expression == use,
        CastExpressionSyntax or BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AsExpression } => true,
        _ => FieldUses.IsNullTestOrName(use) || FieldUses.FindAssignedValue(use) is not null,
    };
}
