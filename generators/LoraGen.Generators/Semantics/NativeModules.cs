using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>
/// TorchSharp's modules (0.107) whose projections lie inside the native library: there is no field to annotate, and no place in their
/// forward where an update could be added.
/// </summary>
internal static class NativeModules
{
    private const string Namespace = "TorchSharp.Modules.";
    private const string OfAttention = "with projections in 'Linear' fields and functional.scaled_dot_product_attention";
    private const string OfRecurrence = "with the gates in 'Linear' fields and a loop over the steps";

    private static readonly Dictionary<string, string> Replacements = new(StringComparer.Ordinal)
    {
        ["MultiheadAttention"] = OfAttention,
        ["Transformer"] = OfAttention,
        ["TransformerEncoder"] = OfAttention,
        ["TransformerEncoderLayer"] = OfAttention,
        ["TransformerDecoder"] = OfAttention,
        ["TransformerDecoderLayer"] = OfAttention,
        ["RNN"] = OfRecurrence,
        ["RNNCell"] = OfRecurrence,
        ["LSTM"] = OfRecurrence,
        ["LSTMCell"] = OfRecurrence,
        ["GRU"] = OfRecurrence,
        ["GRUCell"] = OfRecurrence,
    };

    /// <summary>Such a module in a field of this type, alone or in one of TorchSharp's containers, or null.</summary>
    public static INamedTypeSymbol? FindNativeModule(this ITypeSymbol type) => type switch
    {
        INamedTypeSymbol named when FindReplacement(named) is not null => named,
        INamedTypeSymbol named when named.IsContainer() => named.TypeArguments.Select(FindNativeModule).FirstOrDefault(module => module is not null),
        _ => null,
    };

    /// <summary>What to write in place of such a module, as the end of a sentence; null for any other type.</summary>
    public static string? FindReplacement(INamedTypeSymbol type)
        => Replacements.TryGetValue(type.Name, out var replacement) && type.Is(Namespace + type.Name) ? $"write a class of your own {replacement}" : null;
}
