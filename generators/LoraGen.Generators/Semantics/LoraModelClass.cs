using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Semantics;

/// <summary>A [LoraModel] class: its targets, its children, and what makes it one that code can be generated for.</summary>
/// <param name="type">The class.</param>
/// <param name="token">Ends the walks over the class's children and base classes.</param>
internal sealed class LoraModelClass(INamedTypeSymbol type, CancellationToken token = default)
{
    // Each class asks this of its children, which are asked for themselves as well.
    private static readonly ConditionalWeakTable<INamedTypeSymbol, StrongBox<bool>> Generated = new();

    private static readonly SymbolFacts<INamedTypeSymbol, NameConflict[]> Conflicts = new(type => [.. GeneratedNames.FindConflicts(new LoraModelClass(type))]);

    public INamedTypeSymbol Type => type;

    /// <summary>The nearest base class that is a [LoraModel] too: this class's adapter derives from that one's.</summary>
    public INamedTypeSymbol? Base { get; } = type.BaseType?.FindModel();

    /// <summary>The [LoraModel] class in whose line this one stands, and above which there is none.</summary>
    public INamedTypeSymbol Root => Base is null ? Type : new LoraModelClass(Base).Root;

    /// <summary>The targets that the class itself declares, in source order.</summary>
    public IReadOnlyList<LoraTargetField> Targets => LoraTargetField.In(Type);

    /// <summary>The children that the class itself declares, in source order.</summary>
    public IReadOnlyList<LoraChildField> Children => LoraChildField.In(Type);

    /// <summary>The modules that the class's attribute says are trained whole, or null where it says nothing.</summary>
    public IReadOnlyList<string>? ModulesToSave => Type.FindAttribute(KnownTypes.LoraModelAttribute)?.FindNames("ModulesToSave");

    public bool IsModule => Type.IsModule();

    /// <summary>The class and its containing types that a second part cannot be added to, the innermost first.</summary>
    public IEnumerable<INamedTypeSymbol> ClosedTypes => Type.WithContainingTypes().Where(type => !IsPartial(type));

    /// <summary>What the generated members' names collide with.</summary>
    public IReadOnlyList<NameConflict> NameConflicts => Conflicts.Of(Type);

    /// <summary>
    /// Whether the generator writes this class's other half. What is wrong with a field does not count, and is an analyzer's to say: csc asks
    /// no analyzer once a signature names an adapter that is not there. Nor does it count whether anything below the class can be adapted: its
    /// code would depend on that of all classes below it.
    /// </summary>
    public bool IsGenerated
    {
        get
        {
            token.ThrowIfCancellationRequested();
            return Generated.GetValue(Type, _ => new(CanBeWritten)).Value;
        }
    }

    /// <summary>
    /// Whether the generator writes the adapter alone, empty: the other members of this class's half cannot be written, and signatures may name
    /// the adapter all the same.
    /// </summary>
    public bool IsSkeleton => !IsGenerated && !ClosedTypes.Any() && !NameConflicts.Any(conflict => conflict is { Name: GeneratedNames.Adapter, Field: null });

    /// <summary>The targets that are written: those with a projection, whose names are free.</summary>
    public IEnumerable<LoraTargetField> AdaptedTargets => Targets.Where(target => target.IsProjection && IsNameFree(target.Field));

    /// <summary>The children whose adapters exist, and whose names are free.</summary>
    public IEnumerable<LoraChildField> AdaptedChildren
        => Children.Where(child => child.Visibility != Visibility.None && HasOtherHalf(child.Model) && IsNameFree(child.Field));

    /// <summary>Whether there is a [LoraTarget] in it or below it, valid or not: what is wrong with one is another rule's to say.</summary>
    public bool MentionsTarget => FindsTarget(new(SymbolEqualityComparer.Default));

    private bool CanBeWritten => !Type.IsStatic
        && !ClosedTypes.Any()
        && NameConflicts.All(conflict => conflict.Field is not null)
        && (Base is null || HasOtherHalf(Base));

    private static bool IsPartial(INamedTypeSymbol type)
        => !type.IsFileLocal && type.DeclaringSyntaxReferences.All(part => part.GetSyntax() is TypeDeclarationSyntax declaration
            && declaration.Modifiers.Any(SyntaxKind.PartialKeyword));

    private bool IsNameFree(IFieldSymbol field) => !NameConflicts.Any(conflict => SymbolEqualityComparer.Default.Equals(conflict.Field, field));

    // A class of another assembly was generated with that assembly, or never.
    private bool HasOtherHalf(INamedTypeSymbol model)
        => IsOfThisAssembly(model) ? Definition(model).IsGenerated : !model.GetTypeMembers(GeneratedNames.Adapter).IsEmpty;

    private bool IsOfThisAssembly(INamedTypeSymbol model) => SymbolEqualityComparer.Default.Equals(model.ContainingAssembly, Type.ContainingAssembly);

    private LoraModelClass Definition(INamedTypeSymbol model)
    {
        token.ThrowIfCancellationRequested();
        return new LoraModelClass(model.OriginalDefinition, token);
    }

    // Classes may contain each other, so the walk remembers where it was. An object of an abstract class is one of a derived class, which
    // may have targets.
    private bool FindsTarget(HashSet<INamedTypeSymbol> visited) => visited.Add(Type.OriginalDefinition) && (Type.IsAbstract || MentionsOne(visited));

    private bool MentionsOne(HashSet<INamedTypeSymbol> visited)
        => Targets.Count > 0
            || Children.Any(child => IsOfThisAssembly(child.Model) ? Definition(child.Model).FindsTarget(visited) : HasOtherHalf(child.Model))
            || (Base is not null && (!IsOfThisAssembly(Base) || Definition(Base).MentionsOne(visited)));
}
