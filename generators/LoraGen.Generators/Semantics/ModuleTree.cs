using System.Globalization;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>What an adapter of a [LoraModel] class mirrors, as far as the fields of this assembly's classes tell.</summary>
internal sealed class ModuleTree
{
    private static readonly SymbolFacts<INamedTypeSymbol, ModuleTree> Trees = new(root => new ModuleTree(root));

    // The classes of an assembly that its [LoraModel] classes derive from.
    private static readonly SymbolFacts<IAssemblySymbol, HashSet<INamedTypeSymbol>> DerivedFrom = new(assembly => new(
        TypesIn(assembly.GlobalNamespace).Where(type => type.IsModel() && type.BaseType is not null).SelectMany(type => type.BaseType!.WithBaseTypes()).Select(type => type.OriginalDefinition),
        SymbolEqualityComparer.Default));

    private ModuleTree(INamedTypeSymbol root)
    {
        // Classes may contain each other.
        var classes = new List<INamedTypeSymbol> { root };
        for (var i = 0; i < classes.Count; i++)
        {
            foreach (var model in ModuleNode.In(classes[i]).Select(node => node.Model).OfType<INamedTypeSymbol>())
            {
                if (!classes.Contains(model, SymbolEqualityComparer.Default))
                {
                    classes.Add(model);
                }
            }
        }

        Classes = classes;
    }

    /// <summary>The class and those of all children below it, without type arguments.</summary>
    public IReadOnlyList<INamedTypeSymbol> Classes { get; }

    /// <summary>
    /// Whether there can be nothing else in it: no class of it has its fields elsewhere, and none may be represented by an object of another
    /// class, which may have more fields.
    /// </summary>
    public bool IsWhole => Classes.All(IsSeenWhole);

    public static ModuleTree Of(INamedTypeSymbol root) => Trees.Of(root.OriginalDefinition);

    /// <summary>The nodes whose path is a name or ends with a dot and that name (PEFT's rule of <c>modules_to_save</c>).</summary>
    public IEnumerable<ModuleNode> Named(string name)
    {
        var parts = name.Split('.');
        return Classes.SelectMany(type => At(type, parts).Concat(
            ModuleNode.In(type).Where(node => node.Child is { IsList: true }).SelectMany(list => InList(list, parts))));
    }

    // Where a path that starts in a class leads.
    private static IEnumerable<ModuleNode> At(INamedTypeSymbol type, string[] parts)
        => ModuleNode.In(type).Where(node => node.Name == parts[0]).SelectMany(node => node switch
        {
            _ when parts.Length == 1 => [node],
            { Child.IsList: true } => InList(node, Rest(parts)),
            { Model: { } model } => At(model, Rest(parts)),
            _ => [],
        });

    // The same, where the first part is an item's number.
    private static IEnumerable<ModuleNode> InList(ModuleNode list, string[] parts)
        => !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out _) ? []
            : parts.Length == 1 ? [list]
            : At(list.Model!, Rest(parts));

    private static string[] Rest(string[] parts) => [.. parts.Skip(1)];

    // What a field that is not followed leads to is unknown; it has an error of its own.
    private bool IsSeenWhole(INamedTypeSymbol type)
        => !type.IsAbstract
            && type.WithBaseTypes().Where(t => t.IsModel()).Append(type).All(IsOfThisAssembly)
            && !DerivedFrom.Of(type.ContainingAssembly).Contains(type)
            && !UnfollowedChild.In(type).Any()
            && ModuleNode.In(type).All(node => node.Child is not { IsOfItsModel: false });

    private bool IsOfThisAssembly(INamedTypeSymbol type) => SymbolEqualityComparer.Default.Equals(type.ContainingAssembly, Classes[0].ContainingAssembly);

    private static IEnumerable<INamedTypeSymbol> TypesIn(INamespaceOrTypeSymbol parent)
        => parent.GetMembers().OfType<INamespaceOrTypeSymbol>().SelectMany(member => TypesIn(member).Concat(member is INamedTypeSymbol type ? [type] : []));
}
