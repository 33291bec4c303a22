using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>Which [LoraModel] class a value holds whose type does not tell.</summary>
internal static class HeldModels
{
    /// <summary>Finds it in <c>new Block()</c>, <c>Sequential(("a", new Block()), …)</c>, <c>new ModuleList&lt;Module&gt;([new Block(), …])</c>.</summary>
    public static INamedTypeSymbol? FindModel(this IOperation value)
    {
        var inner = value.WithoutConversion();
        var parts = inner.FindFilledContainer() is null ? inner.Parts() : inner.ShownContents();
        return inner.Type?.FindModel() ?? parts.Select(FindModel).FirstOrDefault(model => model is not null);
    }
}
