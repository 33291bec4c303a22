using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>The types that LoraGen knows. It knows them by name: the generator never loads TorchSharp.</summary>
internal static class KnownTypes
{
    public const string LoraModelAttribute = "LoraGen.LoraModelAttribute";
    public const string LoraTargetAttribute = "LoraGen.LoraTargetAttribute";
    public const string Conv1D = "LoraGen.Conv1D";
    public const string LoraAdapter = "LoraGen.LoraAdapter";
    public const string ComponentNameAttribute = "TorchSharp.Utils.ComponentNameAttribute";
    public const string Module = "TorchSharp.torch.nn.Module";
    public const string Tensor = "TorchSharp.torch.Tensor";
    public const string NeuralNetworks = "TorchSharp.torch.nn";
    public const string Functional = "TorchSharp.torch.nn.functional";
    public const string KeyValuePair = "System.Collections.Generic.KeyValuePair";
    public const string Set = "System.Collections.Generic.ISet";
    public const string ModuleList = "TorchSharp.Modules.ModuleList";
    public const string ModuleDict = "TorchSharp.Modules.ModuleDict";
    public const string Sequential = "TorchSharp.Modules.Sequential";

    /// <summary>Whether this is the type of that name, whatever its type arguments are.</summary>
    public static bool Is(this ITypeSymbol? type, string fullName)
    {
        // From the last name to the first, since this is asked of every base type and attribute: the type's full name is never put together.
        var end = fullName.Length;
        for (ISymbol? part = type as INamedTypeSymbol; part is INamespaceOrTypeSymbol; part = part.ContainingSymbol)
        {
            if (part is INamespaceSymbol { IsGlobalNamespace: true })
            {
                return end < 0;
            }

            var start = end - part.Name.Length;
            if (start < 0 || string.CompareOrdinal(fullName, start, part.Name, 0, part.Name.Length) != 0 || (start > 0 && fullName[start - 1] != '.'))
            {
                return false;
            }

            end = start - 1;
        }

        return false;
    }

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
