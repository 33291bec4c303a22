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
        Base = type.BaseType?.FindModel();
        Targets = [.. LoraTargetField.In(type)];
        Children = [.. LoraChildField.In(type)];
    }

    public INamedTypeSymbol Type { get; }

    /// <summary>The nearest base class that is a [LoraModel] too: this class's adapter derives from that one's.</summary>
    public INamedTypeSymbol? Base { get; }

    /// <summary>The [LoraModel] class in whose line this one stands, and above which there is none.</summary>
    public INamedTypeSymbol Root => Base is null ? Type : new LoraModelClass(Base).Root;

    /// <summary>The targets that the class itself declares, in source order.</summary>
    public ImmutableArray<LoraTargetField> Targets { get; }

    /// <summary>The children that the class itself declares, in source order.</summary>
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

    private bool IsWellFormed
        => IsModule && !ClosedTypes.Any() && Targets.All(target => target.IsValid) && !NameConflicts.Any() && (Base is null || HasGeneratedHalf(Base));

    private static bool IsPartial(INamedTypeSymbol type)
        => !type.IsFileLocal && type.DeclaringSyntaxReferences.All(part => part.GetSyntax() is TypeDeclarationSyntax declaration
            && declaration.Modifiers.Any(SyntaxKind.PartialKeyword));

    private bool HasGeneratedHalf(INamedTypeSymbol model) => IsOfThisAssembly(model) ? Definition(model).IsGenerated : model.WasGenerated();

    private bool IsOfThisAssembly(INamedTypeSymbol model) => SymbolEqualityComparer.Default.Equals(model.ContainingAssembly, Type.ContainingAssembly);

    private static LoraModelClass Definition(INamedTypeSymbol model) => new(model.OriginalDefinition);

    // Classes may contain each other, so the walk remembers where it was: one with no target below it anywhere has nothing to adapt. An
    // object of an abstract class is one of a derived class, which may have targets.
    private bool ReachesTarget(HashSet<INamedTypeSymbol> visited) => visited.Add(Type.OriginalDefinition) && (Type.IsAbstract || AdaptsSomething(visited));

    private bool AdaptsSomething(HashSet<INamedTypeSymbol> visited)
        => !Targets.IsEmpty
            || Children.Any(child => HasAdapter(child, visited))
            || (Base is not null && (!IsOfThisAssembly(Base) || Definition(Base).AdaptsSomething(visited)));

    private bool HasAdapter(LoraChildField child, HashSet<INamedTypeSymbol> visited)
    {
        if (child.Visibility == Visibility.None)
        {
            return false;
        }

        if (!child.IsOfThisAssembly)
        {
            return child.Model.WasGenerated();
        }

        var model = Definition(child.Model);
        return model.IsWellFormed && model.ReachesTarget(visited);
    }

    private bool FindsTarget(HashSet<INamedTypeSymbol> visited) => visited.Add(Type.OriginalDefinition) && (Type.IsAbstract || MentionsSomething(visited));

    private bool MentionsSomething(HashSet<INamedTypeSymbol> visited)
        => !Targets.IsEmpty
            || Children.Any(child => child.IsOfThisAssembly ? Definition(child.Model).FindsTarget(visited) : child.Model.WasGenerated())
            || (Base is not null && (!IsOfThisAssembly(Base) || Definition(Base).MentionsSomething(visited)));
}
