using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis.CSharp;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The annotated projections; a value out of its range, which an analyzer reports, gives way to one that can be written.</summary>
    private static partial class Targets
    {
        public static EquatableArray<TargetInfo> Gather(LoraModelClass model)
            => new([.. model.AdaptedTargets.Select(target => new TargetInfo(
                target.Kind!,
                Components.Gather(target.Field),
                Literals.Identifier(target.Accessor),
                SyntaxFacts.GetText(target.AccessorAccessibility),
                target.HasValidRank ? target.Rank : 1,
                target.HasValidAlpha ? target.Alpha : 1,
                target.HasValidDropout ? target.Dropout : 0,
                target.ByDefault,
                target.OutputHead))]);
    }
}
