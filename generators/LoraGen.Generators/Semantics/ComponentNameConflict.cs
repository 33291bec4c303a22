using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>
/// A component name with which TorchSharp cannot register an annotated projection or a [LoraModel] child. Its rules
/// (TorchSharp 0.107): of fields with one C# name along the base classes it sees the most derived alone; the names in [ComponentName],
/// or of the fields, must differ among all fields that it sees, or Module.to() throws; a name is neither empty nor has it a dot.
/// </summary>
/// <param name="Declaration">The field, or the property around a hidden one, that should get another name.</param>
/// <param name="Name">The component's name.</param>
/// <param name="Reason">What is wrong with it, as the end of a sentence.</param>
internal sealed record ComponentNameConflict(ISymbol Declaration, string Name, string Reason)
{
    /// <summary>What there is of them in a class, alone or together with its base classes.</summary>
    public static IEnumerable<ComponentNameConflict> In(INamedTypeSymbol type)
        => type.IsModule() ? FindRefused(type).Concat(FindSame(type)) : [];

    private static IEnumerable<ComponentNameConflict> FindRefused(INamedTypeSymbol type)
        => from field in InstanceFields(type)
           let name = ComponentName(field)
           let reason = name.Length == 0 ? "TorchSharp refuses an empty name" : name.Contains('.') ? "TorchSharp refuses a name with a dot" : null
           where reason is not null && IsAdapted(field)
           select new ComponentNameConflict(field, name, reason);

    // The derived class first, as TorchSharp does. What base classes have among themselves is found with them.
    private static IEnumerable<ComponentNameConflict> FindSame(INamedTypeSymbol type)
    {
        var seen = new Dictionary<string, IFieldSymbol>(StringComparer.Ordinal);
        var registered = new Dictionary<string, IFieldSymbol>(StringComparer.Ordinal);
        foreach (var field in type.WithBaseTypes().SelectMany(InstanceFields))
        {
            var name = ComponentName(field);
            if (seen.TryGetValue(field.Name, out var hiding))
            {
                // If both are adapted, their adapters would have the same field, which NameConflict says.
                if (IsOf(type, hiding) && !IsOf(type, field) && IsAdapted(field) != IsAdapted(hiding) && IsComponent(field))
                {
                    var hides = $"'{type.Name}.{hiding.Name}' hides '{field.ContainingType.Name}.{field.Name}'";
                    yield return new(Declared(hiding), name, $"{hides}, and TorchSharp registers the derived class's field alone");
                }

                continue;
            }

            seen.Add(field.Name, field);
            if (!registered.TryGetValue(name, out var first))
            {
                registered.Add(name, field);
            }
            else if (IsOf(type, first) && (IsAdapted(field) || IsAdapted(first)))
            {
                var last = IsOf(type, field) ? field : first;
                var both = $"'{Declared(first).Name}' and '{Declared(field).Name}' both have this name";
                yield return new(Declared(last), name, $"{both}, and TorchSharp registers one field per name");
            }
        }
    }

    private static IEnumerable<IFieldSymbol> InstanceFields(INamedTypeSymbol type) => type.FieldsInOrder().Where(field => !field.IsStatic);

    private static string ComponentName(IFieldSymbol field) => field.FindComponentName() ?? field.Name;

    private static bool IsOf(INamedTypeSymbol type, IFieldSymbol field) => SymbolEqualityComparer.Default.Equals(field.ContainingType, type);

    private static bool IsAdapted(IFieldSymbol field)
        => field.ContainingType.IsModel() && (LoraTargetField.Find(field) is { IsHidden: false } || LoraChildField.Find(field) is not null);

    private static bool IsComponent(IFieldSymbol field)
        => field.Type is INamedTypeSymbol type && (type.IsModule() || type.WithBaseTypes().Any(t => t.Is(KnownTypes.Tensor)));

    private static ISymbol Declared(IFieldSymbol field) => field.AssociatedSymbol ?? field;
}
