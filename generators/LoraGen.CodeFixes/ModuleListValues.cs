using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.CodeFixes;

/// <summary>How an expression that gives a list or an array gives a ModuleList with the same items.</summary>
internal static class ModuleListValues
{
    /// <summary>The rewriting, or null where it is not mechanical. It is given the expression with its parts rewritten already.</summary>
    public static Func<SyntaxNode, SyntaxNode>? FindRewriting(ExpressionSyntax value, TypeSyntax moduleList, SemanticModel model) => value switch
    {
        // A ModuleList has a constructor without arguments and Add, which is all that these ask of a type.
        CollectionExpressionSyntax or ImplicitObjectCreationExpressionSyntax { ArgumentList.Arguments.Count: 0 } => static current => current,
        ObjectCreationExpressionSyntax creation when model.GetTypeInfo(creation).Type?.OriginalDefinition.ToDisplayString() == "System.Collections.Generic.List<T>"
            => FindRewriting(creation, moduleList, model),

        InitializerExpressionSyntax { RawKind: (int)SyntaxKind.ArrayInitializerExpression }
            or ImplicitArrayCreationExpressionSyntax { Commas.Count: 0 }
            or ArrayCreationExpressionSyntax { Initializer: not null, Type.RankSpecifiers.Count: 1 } => ToCollection,

        InvocationExpressionSyntax { ArgumentList.Arguments.Count: 0, Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "ToList" or "ToArray" } } call
            when IsLinq(call, model) => static current => Spread(((MemberAccessExpressionSyntax)((InvocationExpressionSyntax)current).Expression).Expression, current),
        _ => null,
    };

    /// <summary>Whether a call is one of <c>System.Linq</c>'s on what stands before the dot.</summary>
    public static bool IsLinq(InvocationExpressionSyntax call, SemanticModel model)
        => model.GetSymbolInfo(call).Symbol is IMethodSymbol { ReducedFrom: not null } method && method.ContainingType.ToDisplayString() == "System.Linq.Enumerable";

    private static Func<SyntaxNode, SyntaxNode>? FindRewriting(ObjectCreationExpressionSyntax creation, TypeSyntax moduleList, SemanticModel model)
    {
        var argument = creation.ArgumentList?.Arguments.FirstOrDefault()?.Expression;
        if (argument is null)
        {
            return current => WithType((ObjectCreationExpressionSyntax)current, moduleList);
        }

        // A capacity saves time and does nothing else.
        if (model.GetTypeInfo(argument).Type?.SpecialType == SpecialType.System_Int32)
        {
            var noArguments = SyntaxFactory.ArgumentList().WithTriviaFrom(creation.ArgumentList!);
            return argument is LiteralExpressionSyntax or IdentifierNameSyntax or MemberAccessExpressionSyntax
                ? current => WithType(((ObjectCreationExpressionSyntax)current).WithArgumentList(noArguments), moduleList)
                : null;
        }

        return creation.Initializer is null ? static current => Spread(((ObjectCreationExpressionSyntax)current).ArgumentList!.Arguments[0].Expression, current) : null;
    }

    private static ObjectCreationExpressionSyntax WithType(ObjectCreationExpressionSyntax creation, TypeSyntax type)
        => creation.WithType(type.WithTriviaFrom(creation.Type));

    // `{ a, b }` becomes `[a, b]`; what stands on several lines or has comments keeps its layout.
    private static SyntaxNode ToCollection(SyntaxNode array)
    {
        var initializer = array switch
        {
            ImplicitArrayCreationExpressionSyntax creation => creation.Initializer,
            ArrayCreationExpressionSyntax creation => creation.Initializer!,
            _ => (InitializerExpressionSyntax)array,
        };
        var isPlain = initializer.DescendantTrivia().All(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia));
        return (isPlain ? ToPlainCollection(initializer) : ToSameLayout(initializer)).WithTriviaFrom(array);
    }

    private static CollectionExpressionSyntax ToPlainCollection(InitializerExpressionSyntax initializer)
    {
        var items = initializer.Expressions.Select(item => (CollectionElementSyntax)SyntaxFactory.ExpressionElement(item.WithoutTrivia())).ToList();
        var comma = SyntaxFactory.Token(SyntaxKind.CommaToken).WithTrailingTrivia(SyntaxFactory.Space);
        return SyntaxFactory.CollectionExpression(SyntaxFactory.SeparatedList(items, Enumerable.Repeat(comma, Math.Max(items.Count - 1, 0))));
    }

    private static CollectionExpressionSyntax ToSameLayout(InitializerExpressionSyntax initializer)
    {
        var parts = initializer.Expressions.GetWithSeparators().Select(part => part.AsNode() is ExpressionSyntax item ? SyntaxFactory.ExpressionElement(item) : part);
        return SyntaxFactory.CollectionExpression(
            SyntaxFactory.Token(SyntaxKind.OpenBracketToken).WithTriviaFrom(initializer.OpenBraceToken),
            SyntaxFactory.SeparatedList<CollectionElementSyntax>(parts),
            SyntaxFactory.Token(SyntaxKind.CloseBracketToken).WithTriviaFrom(initializer.CloseBraceToken));
    }

    private static CollectionExpressionSyntax Spread(ExpressionSyntax items, SyntaxNode inPlaceOf)
    {
        var dots = SyntaxFactory.Token(SyntaxKind.DotDotToken).WithTrailingTrivia(SyntaxFactory.Space);
        return SyntaxFactory.CollectionExpression([SyntaxFactory.SpreadElement(dots, items.WithoutTrivia())]).WithTriviaFrom(inPlaceOf);
    }
}
