using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>The types that LoraGen knows. It knows them by name: the generator never loads TorchSharp.</summary>
internal static class KnownTypes
{
    public const string LoraModelAttribute = "LoraGen.LoraModelAttribute";
    public const string LoraTargetAttribute = "LoraGen.LoraTargetAttribute";
    public const string LoraAdapter = "LoraGen.LoraAdapter";
    public const string ComponentNameAttribute = "TorchSharp.Utils.ComponentNameAttribute";
    public const string Module = "TorchSharp.torch.nn.Module";
    public const string Linear = "TorchSharp.Modules.Linear";
    public const string Tensor = "TorchSharp.torch.Tensor";
    public const string NeuralNetworks = "TorchSharp.torch.nn";
    public const string Functional = "TorchSharp.torch.nn.functional";
    public const string ModuleList = "TorchSharp.Modules.ModuleList";
    public const string ModuleDict = "TorchSharp.Modules.ModuleDict";
    public const string Sequential = "TorchSharp.Modules.Sequential";

    private static readonly SymbolDisplayFormat NameOnly = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypesAndNamespaces);

    /// <summary>Whether this is the type of that name, whatever its type arguments are.</summary>
    public static bool Is(this ITypeSymbol? type, string fullName)
        => type is INamedTypeSymbol
            && fullName.EndsWith(type.Name, StringComparison.Ordinal)
            && type.ToDisplayString(NameOnly) == fullName;

    /// <summary>The attribute of that name, or null.</summary>
    public static AttributeData? FindAttribute(this ISymbol symbol, string fullName)
        => symbol.GetAttributes().FirstOrDefault(attribute => attribute.AttributeClass.Is(fullName));

    /// <summary>The type and its base types, the type first.</summary>
    public static IEnumerable<INamedTypeSymbol> WithBaseTypes(this INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? current = type; current is not null; current = current.BaseType)
        {
            yield return current;
        }
    }

    /// <summary>The type and the types that it is nested in, the type first.</summary>
    public static IEnumerable<INamedTypeSymbol> WithContainingTypes(this INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? current = type; current is not null; current = current.ContainingType)
        {
            yield return current;
        }
    }
}
