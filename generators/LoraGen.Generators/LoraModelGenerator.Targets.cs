using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis.CSharp;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The annotated projections.</summary>
    private static partial class Targets
    {
        public static EquatableArray<TargetInfo> Gather(LoraModelClass model)
            => new([.. model.Targets.Select(target => new TargetInfo(
                target.Kind!,
                Components.Gather(target.Field),
                Literals.Identifier(target.Accessor),
                SyntaxFacts.GetText(target.AccessorAccessibility),
                target.Rank,
                target.Alpha,
                target.Dropout,
                target.ByDefault,
                target.OutputHead))]);
    }
}
