using System.Collections.Immutable;
using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Diagnostics;

/// <summary>LORA011: a [LoraModel] class holds another one where its adapter cannot follow.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnfollowedChildAnalyzer() : LoraAnalyzer(Rule)
{
    /// <summary>The property that a diagnostic has where a ModuleList could take the place of the field's list or array.</summary>
    public const string IsListOfChildren = nameof(IsListOfChildren);

    /// <summary>The property that a diagnostic has where the class that is created could be the field's type.</summary>
    public const string IsNewChild = nameof(IsNewChild);

    /// <summary>The adapter cannot follow '{0}' to the [LoraModel] class '{1}': {2}.</summary>
    public static readonly DiagnosticDescriptor Rule = new(
        id: "LORA011",
        title: "A [LoraModel] child must be in a field that the adapter can follow",
        messageFormat: "The adapter cannot follow '{0}' to the [LoraModel] class '{1}': {2}",
        category: HelpLinks.Category,
        defaultSeverity: DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        description: "The adapter mirrors fields whose type is a [LoraModel] class or a ModuleList of one; the targets of a child anywhere else would never train.",
        helpLinkUri: HelpLinks.For("LORA011"));

    private protected override void Register(AnalysisContext context)
    {
        context.RegisterSymbolAction(
            action =>
            {
                var type = (INamedTypeSymbol)action.Symbol;
                foreach (var child in type.IsModel() ? UnfollowedChild.In(type) : [])
                {
                    action.ReportDiagnostic(Make(child.Declaration.Locations[0], child, CanBeModuleList(child) ? IsListOfChildren : null));
                }
            },
            SymbolKind.NamedType);
        PlainHolders.Register(context, (action, field, value, model) =>
        {
            if (field.ContainingType.IsModel())
            {
                var child = new UnfollowedChild(field, model, UnfollowedChild.AdviceFor(model));
                action.ReportDiagnostic(Make(value.Syntax.GetLocation(), child, CanBeTypeOf(field, value) ? IsNewChild : null));
            }
        });
    }

    private static Diagnostic Make(Location location, UnfollowedChild child, string? property)
    {
        var properties = ImmutableDictionary<string, string?>.Empty;
        return Diagnostic.Create(
            Rule,
            location,
            property is null ? properties : properties.Add(property, null),
            child.Declaration.Name,
            child.Model.Name,
            child.Advice);
    }

    private static bool CanBeModuleList(UnfollowedChild child)
        => child.Declaration is IFieldSymbol field
            && FindItem(field.Type) is { NullableAnnotation: not NullableAnnotation.Annotated } item
            && item.FindModel() is not null
            && VisibilityRules.Of(child.Model, field.ContainingType) != Visibility.None;

    private static ITypeSymbol? FindItem(ITypeSymbol holder) => holder switch
    {
        IArrayTypeSymbol { Rank: 1 } array => array.ElementType,
        INamedTypeSymbol { Name: "List" or "IList" or "IReadOnlyList" or "ICollection" or "IReadOnlyCollection" or "IEnumerable", TypeArguments.Length: 1 } list
            when list.ContainingNamespace.ToDisplayString() == "System.Collections.Generic" => list.TypeArguments[0],
        _ => null,
    };

    private static bool CanBeTypeOf(IFieldSymbol field, IOperation value)
        => value.WithoutConversion() is IObjectCreationOperation { Type: INamedTypeSymbol created }
            && created.FindModel() is not null
            && VisibilityRules.Of(created, field.ContainingType) is var visibility
            && (visibility == Visibility.Public || (visibility == Visibility.Internal && field.DeclaredAccessibility == Accessibility.Private));
}
