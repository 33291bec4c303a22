using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The children that are [LoraModel] themselves.</summary>
    private static partial class Children
    {
        public static EquatableArray<ChildInfo> Gather(LoraModelClass model)
            => new([.. model.AdaptedChildren.Select(child => new ChildInfo(
                Components.Gather(child.Field),
                GeneratedNames.AdapterOf(child.Model),
                child.IsList,
                IsPublic: child.Visibility == Visibility.Public))]);
    }
}
