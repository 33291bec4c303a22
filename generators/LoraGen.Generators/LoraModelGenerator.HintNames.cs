using System.Globalization;
using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The names of the generated files: the metadata name of the class and <c>.g.cs</c>.</summary>
    private static class HintNames
    {
        private static readonly SymbolDisplayFormat PlainNamespace = new(
            typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypesAndNamespaces);

        private static readonly SymbolFacts<INamespaceOrTypeSymbol, HashSet<string>> Twins = new(FindTwins);

        public static string Gather(INamedTypeSymbol type)
        {
            var name = MetadataName(type);
            return HasTwin(type) ? $"{name}.{Hash(name)}.g.cs" : $"{name}.g.cs";
        }

        // Mlp beside MLP: Roslyn compares hint names without case, and drops everything where two are equal.
        private static bool HasTwin(INamedTypeSymbol type)
        {
            for (INamespaceOrTypeSymbol symbol = type; symbol.ContainingSymbol is INamespaceOrTypeSymbol parent; symbol = parent)
            {
                if (Twins.Of(parent).Contains(symbol.MetadataName))
                {
                    return true;
                }
            }

            return false;
        }

        // The names in a namespace or type that another one there differs from in case alone.
        private static HashSet<string> FindTwins(INamespaceOrTypeSymbol parent) => new(
            parent.GetMembers().OfType<INamespaceOrTypeSymbol>()
                .Select(member => member.MetadataName)
                .Distinct(StringComparer.Ordinal)
                .GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
                .Where(names => names.Skip(1).Any())
                .SelectMany(names => names),
            StringComparer.Ordinal);

        // FNV-1a: the same in every process, unlike string.GetHashCode.
        private static string Hash(string name)
            => name.Aggregate(2166136261u, (hash, letter) => unchecked((hash ^ letter) * 16777619u)).ToString("x8", CultureInfo.InvariantCulture);

        private static string MetadataName(INamedTypeSymbol type)
        {
            var name = string.Join("+", type.WithContainingTypes().Reverse().Select(t => t.MetadataName));
            return type.ContainingNamespace.IsGlobalNamespace ? name : $"{type.ContainingNamespace.ToDisplayString(PlainNamespace)}.{name}";
        }
    }
}
