using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>A [LoraModel] child that the adapter cannot mirror, since its field is not one of the class or of a ModuleList.</summary>
/// <param name="Declaration">The field or, for a hidden one, the property or parameter.</param>
/// <param name="Model">The child's class.</param>
/// <param name="Advice">What to change, as the end of a sentence.</param>
internal sealed record UnfollowedChild(ISymbol Declaration, INamedTypeSymbol Model, string Advice)
{
    /// <summary>What there is of them among the fields of a class.</summary>
    public static IEnumerable<UnfollowedChild> In(INamedTypeSymbol type)
    {
        foreach (var field in type.GetMembers().OfType<IFieldSymbol>())
        {
            if (field.IsStatic || field.Type.FindHeldModel() is not { } model)
            {
                continue;
            }

            var child = LoraChildField.Find(field);
            if (field.Declaration() is var declaration && declaration is not IFieldSymbol)
            {
                var kind = declaration is IPropertySymbol ? "property" : "captured parameter";
                yield return new UnfollowedChild(declaration, model, $"declare a field, since a {kind} hides its own");
            }
            else if (child is null)
            {
                yield return new UnfollowedChild(field, model, IsSet(field.Type) ? AdviceForSet(model) : AdviceFor(model));
            }
            else if (child.Visibility == Visibility.None)
            {
                yield return new UnfollowedChild(field, model, $"make '{model.Name}' at least internal, since '{type.Name}' can be seen where '{model.Name}' cannot");
            }
        }
    }

    public static string AdviceFor(INamedTypeSymbol model) => $"declare the field as '{model.Name}' or 'ModuleList<{model.Name}>'";

    public static string AdviceForNoField(INamedTypeSymbol model) => $"declare a field of type '{model.Name}' or 'ModuleList<{model.Name}>' for it";

    // A set seldom holds children, but notes which ones it has met.
    private static string AdviceForSet(INamedTypeSymbol model)
        => $"hold it in a field of type '{model.Name}' or 'ModuleList<{model.Name}>', and suppress this where one does so already";

    private static bool IsSet(ITypeSymbol type) => type is INamedTypeSymbol named && named.AllInterfaces.Prepend(named).Any(t => t.Is(KnownTypes.Set));
}
