using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Semantics;

/// <summary>The names in <c>[LoraModel(ModulesToSave = [...])]</c>, and what is wrong with them.</summary>
internal static class ModulesToSave
{
    private const int MostNames = 20;

    /// <summary>Each name that cannot be saved: where it stands, the name, and why as the end of a sentence.</summary>
    public static IEnumerable<(Location Where, string Name, string Reason)> Mistakes(LoraModelClass model)
    {
        var names = model.ModulesToSave ?? [];
        for (var i = 0; i < names.Count; i++)
        {
            if (FindReason(model.Type, names[i]) is { } reason)
            {
                yield return (Place(model, i, names.Count), names[i], reason);
            }
        }
    }

    private static string? FindReason(INamedTypeSymbol type, string name)
    {
        var tree = ModuleTree.Of(type);
        var own = ModuleNode.In(type).Where(node => node.Name == name).ToList();
        if (own.Any(node => node is { IsFollowed: false, IsOptional: false }))
        {
            return "it is not annotated; mark it with [LoraTarget(ByDefault = false)]";
        }

        var named = tree.Named(name).Where(node => node.IsFollowed).ToList();
        if (named.Count == 0)
        {
            return tree.IsWhole ? $"no annotated projection and no [LoraModel] child has this name; there are {Known(tree)}" : null;
        }

        return named.Where(node => !node.IsOptional).Select(node => FindWeight(node.Model, [])).FirstOrDefault(path => path is not null) is { } weight
            ? $"the weight of '{name}.{weight}' is not annotated; mark it with [LoraTarget(ByDefault = false)]"
            : null;
    }

    // A weight below a class that no adapter can swap.
    private static string? FindWeight(INamedTypeSymbol? model, HashSet<INamedTypeSymbol> visited)
    {
        if (model is null || !visited.Add(model))
        {
            return null;
        }

        var nodes = ModuleNode.In(model).Where(node => !node.IsOptional).ToList();
        return nodes.FirstOrDefault(node => !node.IsFollowed)?.Name
            ?? nodes.Select(node => FindWeight(node.Model, visited) is { } weight ? $"{node.Name}.{(node.Child!.IsList ? "0." : "")}{weight}" : null).FirstOrDefault(path => path is not null);
    }

    private static string Known(ModuleTree tree)
    {
        var names = tree.Classes.SelectMany(ModuleNode.In).Where(node => node.IsFollowed).Select(node => node.Name).Distinct().ToList();
        return $"[{string.Join(", ", names.Take(MostNames))}{(names.Count > MostNames ? ", ..." : "")}]";
    }

    private static Location Place(LoraModelClass model, int index, int count)
    {
        var attribute = model.Type.FindAttribute(KnownTypes.LoraModelAttribute)!.ApplicationSyntaxReference?.GetSyntax() as AttributeSyntax;
        var list = attribute?.ArgumentList?.Arguments.FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == nameof(ModulesToSave))?.Expression;
        List<ExpressionSyntax> items = list switch
        {
            CollectionExpressionSyntax collection => [.. collection.Elements.OfType<ExpressionElementSyntax>().Select(element => element.Expression)],
            ArrayCreationExpressionSyntax { Initializer: { } initializer } => [.. initializer.Expressions],
            ImplicitArrayCreationExpressionSyntax { Initializer: var initializer } => [.. initializer.Expressions],
            _ => [],
        };
        return items.Count == count ? items[index].GetLocation() : list?.GetLocation() ?? model.Type.Locations[0];
    }
}
