using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA015: a [LoraTarget] that is not on a field, or that names a field of another class.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MisplacedTargetAnalyzer() : LoraAnalyzer(Rule)
{
    /// <summary>[LoraTarget] belongs on a 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d' field: {0}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA015",
        title: "A [LoraTarget] must stand on the field that it adapts",
        messageFormat: "[LoraTarget] belongs on a 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d' field: {0}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "A projection is adapted by the class that calls it, through a method that is generated into that class; from outside there is nothing to change.",
        helpLinkUri: HelpLinks.For("LORA015"));

    // By the text, since Roslyn announces no symbol for an assembly, and an attribute may not be valid yet.
    private protected override void Register(AnalysisContext context) => context.RegisterSyntaxNodeAction(
        action =>
        {
            var attribute = (AttributeSyntax)action.Node;
            if (FindReason(attribute, action.SemanticModel, action.CancellationToken) is { } reason && IsTarget(attribute, action.SemanticModel, action.CancellationToken))
            {
                action.ReportDiagnostic(At(attribute.GetLocation(), reason));
            }
        },
        SyntaxKind.Attribute);

    private static bool IsTarget(AttributeSyntax attribute, SemanticModel semantics, CancellationToken token)
        => semantics.GetTypeInfo(attribute, token).Type.Is(KnownTypes.LoraTargetAttribute);

    private static string? FindReason(AttributeSyntax attribute, SemanticModel semantics, CancellationToken token)
    {
        if (FindNamedField(attribute, semantics, token) is var (owner, field, isOurs))
        {
            return isOurs
                ? $"annotate the field '{field}' of '{owner}' itself"
                : $"a compiled class calls its projections itself, and nothing can step between '{owner}' and its '{field}'; copy the class, and annotate the fields there";
        }

        var list = attribute.Parent as AttributeListSyntax;
        return list?.Target?.Identifier.Kind() == SyntaxKind.FieldKeyword ? null : list?.Parent switch
        {
            FieldDeclarationSyntax declaration when IsRepeated(attribute, declaration, semantics, token) => "one for each; the first counts here, so delete the others",
            null or FieldDeclarationSyntax or IncompleteMemberSyntax => null,
            CompilationUnitSyntax => "an assembly has none; annotate the fields of the class that calls them",
            PropertyDeclarationSyntax => "a property has no name in the checkpoint; make it a field",
            BaseTypeDeclarationSyntax => "a class is marked with [LoraModel], and [LoraTarget] says which of its fields are adapted",
            _ => "annotate the field, and call the method that is generated for it",
        };
    }

    // The attribute may be there twice only because two fields of other classes may be named to an assembly.
    private static bool IsRepeated(AttributeSyntax attribute, FieldDeclarationSyntax declaration, SemanticModel semantics, CancellationToken token)
        => declaration.AttributeLists
            .SelectMany(list => list.Attributes)
            .TakeWhile(earlier => earlier != attribute)
            .Any(earlier => IsTarget(earlier, semantics, token));

    // [LoraTarget(typeof(Other.Block), "q_proj", Rank = 8)]
    private static (string Owner, string Field, bool IsOurs)? FindNamedField(AttributeSyntax attribute, SemanticModel semantics, CancellationToken token)
    {
        var arguments = attribute.ArgumentList?.Arguments.Where(argument => argument.NameEquals is null).Select(argument => argument.Expression).ToList();
        return arguments?.Count == 2 && arguments[0] is TypeOfExpressionSyntax { Type: var owner }
            ? (owner.ToString(),
                semantics.GetConstantValue(arguments[1], token).Value as string ?? arguments[1].ToString(),
                SymbolEqualityComparer.Default.Equals(semantics.GetTypeInfo(owner, token).Type?.ContainingAssembly, semantics.Compilation.Assembly))
            : null;
    }
}
