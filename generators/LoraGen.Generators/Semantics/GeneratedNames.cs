using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Semantics;

/// <summary>The names of what is generated into a class, and what stands in their way.</summary>
internal static class GeneratedNames
{
    public const string Adapter = "Adapter";

    // Private to the first [LoraModel] class of a line.
    private const string State = "_lora";

    // The members of every [LoraModel] class; of methods that users call, the names of their parameters' types. Of the methods that
    // generated code calls there must be no overload at all: C# might call that one.
    private static readonly (string Name, string[]? Parameters)[] FixedMembers =
    [
        (Adapter, null),
        (State, null),
        ("ActiveAdapter", null),
        ("MergedAdapter", null),
        ("CreateAdapter", ["LoraConfig", "Generator"]),
        ("NewAdapter", null),
        ("Merge", [Adapter]),
        ("Unmerge", []),
        ("Attach", null),
        ("AddSites", null),
    ];

    private static readonly string[] AccessorParameters = ["Tensor"];

    private static readonly SymbolFacts<INamedTypeSymbol, HashSet<string>> Names = new(FindNames);

    private static readonly SymbolDisplayFormat WithNullability =
        SymbolDisplayFormat.FullyQualifiedFormat.AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    /// <summary>The adapter's class by a name that is good anywhere: <c>global::Sample.Block&lt;string?&gt;.Adapter</c>.</summary>
    public static string AdapterOf(INamedTypeSymbol model) => $"{Of(model)}.{Adapter}";

    /// <summary>The class by such a name.</summary>
    public static string Of(INamedTypeSymbol model) => model.WithNullableAnnotation(NullableAnnotation.NotAnnotated).ToDisplayString(WithNullability);

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
           select new NameConflict((FindOwn(model.Type, member.Name, member.Parameters) ?? model.Type).Locations[0], member.Name, reason);

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
                yield return new NameConflict(target.FindValue("Name")?.GetLocation() ?? target.Field.Locations[0], target.Accessor, reason, target.Field);
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
            if (field.Name == "Load" || (adapter is not null && HasInherited(adapter, field.Name, model.Type)))
            {
                yield return new NameConflict(field.Locations[0], $"{Adapter}.{field.Name}", "every adapter has a member with this name", field);
            }
            else if (BasesOf(model).FirstOrDefault(type => HasAdapterField(type, field.Name)) is { } owner)
            {
                yield return new NameConflict(field.Locations[0], $"{Adapter}.{field.Name}", $"the adapter of the base class '{owner.Name}' has a member with this name", field);
            }
        }
    }

    private static IEnumerable<IFieldSymbol> AdapterFields(LoraModelClass model)
        => model.Targets.Select(target => target.Field).Concat(model.Children.Select(child => child.Field));

    private static IEnumerable<INamedTypeSymbol> BasesOf(LoraModelClass model)
        => model.Type.BaseType?.WithBaseTypes().Where(type => type.IsModel()) ?? [];

    private static bool HasInherited(INamedTypeSymbol adapter, string name, INamedTypeSymbol type)
        => Names.Of(adapter).Contains(name)
            && adapter.WithBaseTypes().SelectMany(owner => owner.GetMembers(name)).Any(member => IsInherited(member, type));

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

        if (FindOwn(type, name, parameters) is not null)
        {
            return $"'{type.Name}' has a member with this name";
        }

        return FindBaseWith(type, name)?.WithBaseTypes().FirstOrDefault(ancestor => HasMember(ancestor, type, name, parameters)) is { } owner
            ? $"the base class '{owner.Name}' has a member with this name"
            : null;
    }

    private static ISymbol? FindOwn(INamedTypeSymbol type, string name, string[]? parameters)
        => Named(type, name).FirstOrDefault(member => !IsGenerated(member) && Collides(member, parameters));

    private static bool HasMember(INamedTypeSymbol ancestor, INamedTypeSymbol type, string name, string[]? parameters)
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

        return Named(ancestor, name).Any(member => IsInherited(member, type) && !IsGenerated(member) && Collides(member, parameters));
    }

    // An indexer has the name 'Item' for everyone but Roslyn.
    private static IEnumerable<ISymbol> Named(INamedTypeSymbol type, string name)
        => type.GetMembers(name).Concat(type.GetMembers(WellKnownMemberNames.Indexer).Where(indexer => indexer.MetadataName == name));

    // The base class, if a member of this name is in it or above it. Nearly always there is none, and to look through each of a module's
    // base classes for each generated member would take longer than all else.
    private static INamedTypeSymbol? FindBaseWith(INamedTypeSymbol type, string name)
        => type.BaseType is { } parent && Names.Of(parent.OriginalDefinition).Contains(name) ? parent : null;

    // The names of a class's members, of what is generated into it, and of what it inherits, private or not.
    private static HashSet<string> FindNames(INamedTypeSymbol type)
    {
        var members = type.GetMembers().Select(member => member is IPropertySymbol { IsIndexer: true } ? member.MetadataName : member.Name);
        var accessors = LoraTargetField.In(type).Select(target => target.Accessor);
        var inherited = type.BaseType is { } parent ? Names.Of(parent.OriginalDefinition) : [];
        return new(members.Concat(accessors).Concat(inherited), StringComparer.Ordinal);
    }

    private static bool Collides(ISymbol member, string[]? parameters)
        => parameters is null
            || member is not IMethodSymbol method
            || (method.TypeParameters.IsEmpty
                && method.Parameters.Length == parameters.Length
                && method.Parameters.Zip(parameters, (parameter, name) => IsOf(parameter, name, member.ContainingType)).All(same => same));

    // Other classes have an Adapter too; until it is generated, only the text says whose is meant.
    private static bool IsOf(IParameterSymbol parameter, string name, INamedTypeSymbol type)
        => parameter.RefKind == RefKind.None
            && parameter.Type.Name == name
            && (name != Adapter || OwnerInText(parameter) is not { } owner || owner == type.Name);

    private static string? OwnerInText(IParameterSymbol parameter)
    {
        var type = (parameter.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() as ParameterSyntax)?.Type;
        return (type is NullableTypeSyntax nullable ? nullable.ElementType : type) is QualifiedNameSyntax { Left: var owner }
            ? owner.DescendantNodesAndSelf().OfType<SimpleNameSyntax>().Last(node => node.Parent is QualifiedNameSyntax or AliasQualifiedNameSyntax).Identifier.ValueText
            : null;
    }

    private static bool IsInherited(ISymbol member, INamedTypeSymbol type) => member.DeclaredAccessibility switch
    {
        Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal => true,
        Accessibility.Internal or Accessibility.ProtectedAndInternal => SymbolEqualityComparer.Default.Equals(member.ContainingAssembly, type.ContainingAssembly),
        _ => false,
    };

    // Analyzers see the class with its generated half; Roslyn puts that half under a folder with the generator's name.
    private static bool IsGenerated(ISymbol member)
        => member.DeclaringSyntaxReferences.Any(part => Path.GetFileName(Path.GetDirectoryName(part.SyntaxTree.FilePath)) == typeof(LoraModelGenerator).FullName);
}
