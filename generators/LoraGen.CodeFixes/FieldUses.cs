using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.FindSymbols;

namespace LoraGen.CodeFixes;

/// <summary>Where code uses a field whose type is to change.</summary>
internal static class FieldUses
{
    /// <summary>
    /// Every expression that is the field (<c>h</c>, <c>this.h</c>), or null where another document uses it too or an expression may not be it.
    /// </summary>
    public static async Task<IReadOnlyList<ExpressionSyntax>?> FindAsync(VariableDeclaratorSyntax variable, SemanticModel model, Document document, CancellationToken token)
    {
        if (model.GetDeclaredSymbol(variable, token) is not { } field)
        {
            return null;
        }

        var root = variable.SyntaxTree.GetRoot(token);
        var references = await SymbolFinder.FindReferencesAsync(field, document.Project.Solution, token).ConfigureAwait(false);
        var uses = new List<ExpressionSyntax>();
        foreach (var location in references.SelectMany(reference => reference.Locations))
        {
            if (location.Document.Id != document.Id || location.IsCandidateLocation)
            {
                return null;
            }

            // The names in documentation comments are no expressions, and hold for a field of any type.
            if (root.FindNode(location.Location.SourceSpan, getInnermostNodeForTie: true) is SimpleNameSyntax name)
            {
                uses.Add(WithReceiver(name));
            }
        }

        return uses;
    }

    /// <summary>The value that an expression is assigned, alone or as the element of a tuple; null where it is not assigned like that.</summary>
    public static ExpressionSyntax? FindAssignedValue(ExpressionSyntax use) => use.Parent switch
    {
        AssignmentExpressionSyntax { RawKind: (int)SyntaxKind.SimpleAssignmentExpression } assignment when assignment.Left == use => assignment.Right,
        ArgumentSyntax { Parent: TupleExpressionSyntax { Parent: AssignmentExpressionSyntax { Right: TupleExpressionSyntax values } assignment } targets } element
            when assignment.Left == targets && values.Arguments.Count == targets.Arguments.Count
            => values.Arguments[targets.Arguments.IndexOf(element)].Expression,
        _ => null,
    };

    /// <summary>Whether the field is only compared with null or named, which a field of any class can be.</summary>
    public static bool IsNullTestOrName(ExpressionSyntax use) => use.Parent switch
    {
        IsPatternExpressionSyntax { Pattern: ConstantPatternSyntax or UnaryPatternSyntax { Pattern: ConstantPatternSyntax } } => true,
        BinaryExpressionSyntax { RawKind: (int)SyntaxKind.EqualsExpression or (int)SyntaxKind.NotEqualsExpression } comparison
            => comparison.Left.IsKind(SyntaxKind.NullLiteralExpression) || comparison.Right.IsKind(SyntaxKind.NullLiteralExpression),
        ArgumentSyntax { Parent.Parent: InvocationExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "nameof" } } } => true,
        _ => false,
    };

    private static ExpressionSyntax WithReceiver(SimpleNameSyntax name)
        => name.Parent is MemberAccessExpressionSyntax access && access.Name == name ? access : name;
}
