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
    /// <summary>[LoraTarget] belongs on a 'Linear', 'Conv1D' or 'Embedding' field: {0}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA015",
        title: "A [LoraTarget] must stand on the field that it adapts",
        messageFormat: "[LoraTarget] belongs on a 'Linear', 'Conv1D' or 'Embedding' field: {0}",
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
            if (FindReason(attribute) is { } reason && IsTarget(action.SemanticModel.GetTypeInfo(attribute, action.CancellationToken).Type))
            {
                action.ReportDiagnostic(At(attribute.GetLocation(), reason));
            }
        },
        SyntaxKind.Attribute);

    private static bool IsTarget(ITypeSymbol? type) => type.Is(KnownTypes.LoraTargetAttribute);

    private static string? FindReason(AttributeSyntax attribute)
    {
        if (FindNamedField(attribute) is var (owner, field))
        {
            return $"a compiled class calls its projections itself, and nothing can step between '{owner}' and its {field}; "
                + "copy the class, or derive from it and override forward, and annotate the fields there";
        }

        var list = attribute.Parent as AttributeListSyntax;
        return list?.Target?.Identifier.Kind() == SyntaxKind.FieldKeyword ? null : list?.Parent switch
        {
            null or FieldDeclarationSyntax or IncompleteMemberSyntax => null,
            CompilationUnitSyntax => "an assembly has none; annotate the fields of the class that calls them",
            PropertyDeclarationSyntax => "a property has no name in the checkpoint; make it a field",
            BaseTypeDeclarationSyntax => "a class is marked with [LoraModel], and [LoraTarget] says which of its fields are adapted",
            _ => "annotate the field, and call the method that is generated for it",
        };
    }

    // [LoraTarget(typeof(Other.Block), "q_proj", Rank = 8)]
    private static (string Owner, string Field)? FindNamedField(AttributeSyntax attribute)
    {
        var arguments = attribute.ArgumentList?.Arguments.Where(argument => argument.NameEquals is null).Select(argument => argument.Expression).ToList();
        return arguments?.Count == 2 && arguments[0] is TypeOfExpressionSyntax owner ? (owner.Type.ToString(), arguments[1].ToString()) : null;
    }
}
