using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The children that are [LoraModel] themselves.</summary>
    private static partial class Children
    {
        public static EquatableArray<ChildInfo> Gather(LoraModelClass model)
            => new([.. model.AdaptedChildren.Select(child => new ChildInfo(
                Components.Gather(child.Field),
                child.Model.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat) + ".Adapter",
                child.IsList,
                IsPublic: child.Visibility == Visibility.Public))]);
    }
}
