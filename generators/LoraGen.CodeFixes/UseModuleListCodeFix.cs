using System.Collections.Immutable;
using System.Composition;
using LoraGen.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Simplification;

namespace LoraGen.CodeFixes;

/// <summary>LORA011: makes a list or an array of children a ModuleList, where everything that is done with it can be done with a ModuleList.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp), Shared]
public sealed class UseModuleListCodeFix() : LoraCodeFix("Use a ModuleList", UnfollowedChildAnalyzer.Rule.Id)
{
    private protected override async Task<SyntaxNode> FixAsync(Document document, SyntaxNode root, ImmutableArray<Diagnostic> diagnostics, CancellationToken token)
    {
        var model = await document.GetSemanticModelAsync(token).ConfigureAwait(false);
        var declarations = diagnostics
            .Where(diagnostic => diagnostic.Properties.ContainsKey(UnfollowedChildAnalyzer.IsListOfChildren))
            .Select(diagnostic => root.FindNode(diagnostic.Location.SourceSpan).FirstAncestorOrSelf<VariableDeclarationSyntax>())
            .OfType<VariableDeclarationSyntax>()
            .Distinct();

        var rewritings = new Dictionary<SyntaxNode, Func<SyntaxNode, SyntaxNode>>();
        foreach (var declaration in declarations)
        {
            foreach (var rewriting in model is null ? [] : await RewriteAsync(declaration, document, model, token).ConfigureAwait(false) ?? [])
            {
                rewritings[rewriting.Key] = rewriting.Value;
            }
        }

        return root.ReplaceNodes(rewritings.Keys, (original, current) => rewritings[original](current));
    }

    // What is to be rewritten for one declaration, or null where something in the way is not mechanical.
    private static async Task<Dictionary<SyntaxNode, Func<SyntaxNode, SyntaxNode>>?> RewriteAsync(
        VariableDeclarationSyntax declaration, Document document, SemanticModel model, CancellationToken token)
    {
        if (FindItemType(declaration.Type) is not { } item)
        {
            return null;
        }

        var moduleList = SyntaxFactory.ParseTypeName($"global::TorchSharp.Modules.ModuleList<{item.WithoutTrivia()}>").WithAdditionalAnnotations(Simplifier.Annotation);
        var rewritings = new Dictionary<SyntaxNode, Func<SyntaxNode, SyntaxNode>> { [WithoutNullable(declaration.Type)] = type => moduleList.WithTriviaFrom(type) };
        foreach (var variable in declaration.Variables)
        {
            if (await FieldUses.FindAsync(variable, model, document, token).ConfigureAwait(false) is not { } uses)
            {
                return null;
            }

            foreach (var value in uses.Select(FieldUses.FindAssignedValue).Append(variable.Initializer?.Value).OfType<ExpressionSyntax>())
            {
                if (ModuleListValues.FindRewriting(value, moduleList, model) is not { } rewriting)
                {
                    return null;
                }

                rewritings[value] = rewriting;
            }

            foreach (var use in uses)
            {
                if (IsLength(use, out var length))
                {
                    rewritings[length] = static name => SyntaxFactory.IdentifierName("Count").WithTriviaFrom(name);
                }
                else if (FieldUses.FindAssignedValue(use) is null && !IsPossible(use, model))
                {
                    return null;
                }
            }
        }

        return rewritings;
    }

    private static TypeSyntax WithoutNullable(TypeSyntax type) => type is NullableTypeSyntax nullable ? nullable.ElementType : type;

    private static TypeSyntax? FindItemType(TypeSyntax type) => WithoutNullable(type) switch
    {
        ArrayTypeSyntax array => array.ElementType,
        GenericNameSyntax { TypeArgumentList.Arguments.Count: 1 } list => list.TypeArgumentList.Arguments[0],
        QualifiedNameSyntax qualified => FindItemType(qualified.Right),
        _ => null,
    };

    private static bool IsLength(ExpressionSyntax use, out SimpleNameSyntax name)
    {
        var access = use.Parent as MemberAccessExpressionSyntax;
        name = access?.Name!;
        return access is { Name.Identifier.Text: "Length" } && access.Expression == use;
    }

    private static bool IsPossible(ExpressionSyntax use, SemanticModel model) => use.Parent switch
    {
        ForEachStatementSyntax or SpreadElementSyntax => true,
        MemberAccessExpressionSyntax { Name.Identifier.Text: "Count", Parent: not InvocationExpressionSyntax } access => access.Expression == use,
        MemberAccessExpressionSyntax { Parent: InvocationExpressionSyntax call } access
            => access.Expression == use && (ModuleListValues.IsLinq(call, model) || IsAddBeforeRegistration(call)),
        ArgumentSyntax { Parent.Parent: InvocationExpressionSyntax call } when ModuleListValues.IsLinq(call, model) => true,
        ElementAccessExpressionSyntax item => item.Expression == use && IsRead(item) && item.ArgumentList.Arguments[0].Expression is not RangeExpressionSyntax,
        _ => FieldUses.IsNullTestOrName(use),
    };

    private static bool IsRead(ElementAccessExpressionSyntax item) => item.Parent switch
    {
        AssignmentExpressionSyntax assignment => assignment.Left != item,
        ArgumentSyntax argument => argument.RefKindKeyword.IsKind(SyntaxKind.None) && argument.Parent is not TupleExpressionSyntax,
        RefExpressionSyntax => false,
        _ => true,
    };

    // TorchSharp registers what a ModuleList holds when its owner is registered, and nothing after that.
    private static bool IsAddBeforeRegistration(InvocationExpressionSyntax call)
        => call is { Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "Add" }, Parent: ExpressionStatementSyntax }
            && call.FirstAncestorOrSelf<MemberDeclarationSyntax>() is ConstructorDeclarationSyntax constructor
            && !constructor.DescendantNodes().OfType<InvocationExpressionSyntax>().Any(other => other.SpanStart < call.SpanStart && IsRegistration(other));

    private static bool IsRegistration(InvocationExpressionSyntax call) => call.Expression.ToString() is "RegisterComponents" or "this.RegisterComponents";
}
