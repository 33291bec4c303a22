using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Semantics;

/// <summary>A [LoraModel] class: its targets, its children, and what makes it one that code can be generated for.</summary>
internal sealed class LoraModelClass
{
    public LoraModelClass(INamedTypeSymbol type)
    {
        Type = type;
        Targets = [.. LoraTargetField.In(type)];
        Children = [.. LoraChildField.In(type)];
    }

    public INamedTypeSymbol Type { get; }

    public ImmutableArray<LoraTargetField> Targets { get; }

    public ImmutableArray<LoraChildField> Children { get; }

    public bool IsModule => Type.IsModule();

    /// <summary>The class and its containing types that a second part cannot be added to, the innermost first.</summary>
    public IEnumerable<INamedTypeSymbol> ClosedTypes => Type.WithContainingTypes().Where(type => !IsPartial(type));

    /// <summary>What the generated members' names collide with.</summary>
    public IEnumerable<NameConflict> NameConflicts => GeneratedNames.FindConflicts(this);

    /// <summary>Whether the generator writes this class's other half.</summary>
    public bool IsGenerated => IsWellFormed && ReachesTarget(new(SymbolEqualityComparer.Default));

    /// <summary>Whether there is a [LoraTarget] in it or below it, valid or not: what is wrong with one is another rule's to say.</summary>
    public bool MentionsTarget => FindsTarget(new(SymbolEqualityComparer.Default));

    /// <summary>The children whose adapters exist.</summary>
    public IEnumerable<LoraChildField> AdaptedChildren => Children.Where(child => HasAdapter(child, new(SymbolEqualityComparer.Default)));

    private bool IsWellFormed => IsModule && !ClosedTypes.Any() && Targets.All(target => target.IsValid) && !NameConflicts.Any();

    private static bool IsPartial(INamedTypeSymbol type)
        => !type.IsFileLocal && type.DeclaringSyntaxReferences.All(part => part.GetSyntax() is TypeDeclarationSyntax declaration
            && declaration.Modifiers.Any(SyntaxKind.PartialKeyword));

    // Classes may contain each other, so the walk remembers where it was: one with no target below it anywhere has nothing to adapt.
    private bool ReachesTarget(HashSet<INamedTypeSymbol> visited)
        => visited.Add(Type.OriginalDefinition) && (!Targets.IsEmpty || Children.Any(child => HasAdapter(child, visited)));

    private bool FindsTarget(HashSet<INamedTypeSymbol> visited)
        => visited.Add(Type.OriginalDefinition)
            && (!Targets.IsEmpty || Children.Any(child => child.IsOfThisAssembly ? new LoraModelClass(child.Model).FindsTarget(visited) : child.WasGenerated));

    private bool HasAdapter(LoraChildField child, HashSet<INamedTypeSymbol> visited)
    {
        if (child.Visibility == Visibility.None)
        {
            return false;
        }

        if (!child.IsOfThisAssembly)
        {
            return child.WasGenerated;
        }

        var model = new LoraModelClass(child.Model.OriginalDefinition);
        return model.IsWellFormed && model.ReachesTarget(visited);
    }
}
