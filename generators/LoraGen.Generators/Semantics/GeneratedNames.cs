using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Semantics;

/// <summary>The names of what is generated into a class, and what stands in their way.</summary>
internal static class GeneratedNames
{
    public const string Adapter = "Adapter";

    // Private to the first [LoraModel] class of a line.
    private const string State = "_lora";

    // The members of every [LoraModel] class; of methods, the names of their parameters' types.
    private static readonly (string Name, string[]? Parameters)[] FixedMembers =
    [
        (Adapter, null),
        (State, null),
        ("ActiveAdapter", null),
        ("MergedAdapter", null),
        ("CreateAdapter", ["LoraConfig", "Generator"]),
        ("NewAdapter", ["AdapterBuilder"]),
        ("Merge", [Adapter]),
        ("Unmerge", []),
        ("Attach", [Adapter]),
        ("AddSites", [Adapter, "LoraSites"]),
    ];

    private static readonly string[] AccessorParameters = ["Tensor"];

    private static readonly SymbolDisplayFormat WithNullability =
        SymbolDisplayFormat.FullyQualifiedFormat.AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    /// <summary>The adapter's class by a name that is good anywhere: <c>global::Sample.Block&lt;string?&gt;.Adapter</c>.</summary>
    public static string AdapterOf(INamedTypeSymbol model)
        => $"{model.WithNullableAnnotation(NullableAnnotation.NotAnnotated).ToDisplayString(WithNullability)}.{Adapter}";

    /// <summary>The field's name in PascalCase: <c>q_proj</c> is <c>QProj</c>, <c>_upProj</c> is <c>UpProj</c>.</summary>
    public static string Accessor(string field)
        => string.Concat(field.Split('_').Where(word => word.Length > 0).Select(word => char.ToUpperInvariant(word[0]) + word.Substring(1)));

    /// <summary>What the class's other half would collide with.</summary>
    public static IEnumerable<NameConflict> FindConflicts(LoraModelClass model)
        => FindFixedMemberConflicts(model).Concat(FindAccessorConflicts(model)).Concat(FindAdapterFieldConflicts(model));

    private static IEnumerable<NameConflict> FindFixedMemberConflicts(LoraModelClass model)
        => from member in FixedMembers
           where model.Base is null || member.Name != State
           let reason = FindReason(model.Type, member.Name, member.Parameters)
           where reason is not null
           select new NameConflict(model.Type, member.Name, reason);

    private static IEnumerable<NameConflict> FindAccessorConflicts(LoraModelClass model)
    {
        var taken = new HashSet<string>(FixedMembers.Select(member => member.Name), StringComparer.Ordinal);
        foreach (var target in model.Targets.Where(target => !target.IsHidden))
        {
            var reason = !SyntaxFacts.IsValidIdentifier(target.Accessor)
                ? "this is not a name that a method can have"
                : taken.Add(target.Accessor)
                    ? FindReason(model.Type, target.Accessor, AccessorParameters)
                    : "another generated member has this name";
            if (reason is not null)
            {
                yield return new NameConflict(target.Field, target.Accessor, reason);
            }
        }
    }

    // The adapter's fields have the names of the model's, and stand beside what LoraAdapter and Module give the adapter, and the adapter of
    // a base class.
    private static IEnumerable<NameConflict> FindAdapterFieldConflicts(LoraModelClass model)
    {
        var adapter = model.Type.FindAttribute(KnownTypes.LoraModelAttribute)?.AttributeClass?.ContainingAssembly.GetTypeByMetadataName(KnownTypes.LoraAdapter);
        foreach (var field in AdapterFields(model))
        {
            if (field.Name == "Load" || (adapter is not null && adapter.WithBaseTypes().SelectMany(type => type.GetMembers(field.Name)).Any(IsInherited)))
            {
                yield return new NameConflict(field, $"{Adapter}.{field.Name}", "every adapter has a member with this name");
            }
            else if (BasesOf(model).FirstOrDefault(type => HasAdapterField(type, field.Name)) is { } owner)
            {
                yield return new NameConflict(field, $"{Adapter}.{field.Name}", $"the adapter of the base class '{owner.Name}' has a member with this name");
            }
        }
    }

    private static IEnumerable<IFieldSymbol> AdapterFields(LoraModelClass model)
        => model.Targets.Select(target => target.Field).Concat(model.Children.Select(child => child.Field));

    private static IEnumerable<INamedTypeSymbol> BasesOf(LoraModelClass model)
        => model.Type.BaseType?.WithBaseTypes().Where(type => type.IsModel()) ?? [];

    // A base class of this assembly has its adapter only after generation; one of another assembly shows its adapter and not its private fields.
    private static bool HasAdapterField(INamedTypeSymbol type, string name)
        => AdapterFields(new LoraModelClass(type)).Any(field => field.Name == name)
            || type.GetTypeMembers(Adapter).Any(adapter => adapter.GetMembers(name).OfType<IFieldSymbol>().Any());

    private static string? FindReason(INamedTypeSymbol type, string name, string[]? parameters)
    {
        if (type.Name == name)
        {
            return "this is the name of the class";
        }

        if (type.TypeParameters.Any(parameter => parameter.Name == name))
        {
            return "this is the name of a type parameter";
        }

        if (type.GetMembers(name).Any(member => !IsGenerated(member) && Collides(member, parameters)))
        {
            return $"'{type.Name}' has a member with this name";
        }

        return type.BaseType?.WithBaseTypes().FirstOrDefault(ancestor => HasMember(ancestor, name, parameters)) is { } owner
            ? $"the base class '{owner.Name}' has a member with this name"
            : null;
    }

    private static bool HasMember(INamedTypeSymbol ancestor, string name, string[]? parameters)
    {
        // Of a base class that is a [LoraModel] the fixed members are extended, and the accessors may not be generated yet.
        if (ancestor.IsModel())
        {
            if (FixedMembers.Any(member => member.Name == name))
            {
                return false;
            }

            if (LoraTargetField.In(ancestor).Any(target => target.Accessor == name && target.AccessorAccessibility != Accessibility.Private))
            {
                return true;
            }
        }

        return ancestor.GetMembers(name).Any(member => IsInherited(member) && !IsGenerated(member) && Collides(member, parameters));
    }

    private static bool Collides(ISymbol member, string[]? parameters)
        => parameters is null
            || member is not IMethodSymbol method
            || (method.TypeParameters.IsEmpty && method.Parameters.Select(parameter => parameter.Type.Name).SequenceEqual(parameters));

    private static bool IsInherited(ISymbol member)
        => member.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal;

    // Analyzers see the class with its generated half; Roslyn puts that half under a folder with the generator's name.
    private static bool IsGenerated(ISymbol member)
        => member.DeclaringSyntaxReferences.Any(part => Path.GetFileName(Path.GetDirectoryName(part.SyntaxTree.FilePath)) == typeof(LoraModelGenerator).FullName);
}
