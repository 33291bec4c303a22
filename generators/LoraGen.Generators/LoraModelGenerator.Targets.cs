using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis.CSharp;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The annotated projections; what an analyzer reports may be none that C# can write (NaN), so a default takes its place.</summary>
    private static partial class Targets
    {
        public static EquatableArray<TargetInfo> Gather(LoraModelClass model)
            => new([.. model.AdaptedTargets.Select(target => new TargetInfo(
                target.Kind!,
                Components.Gather(target.Field),
                Literals.Identifier(target.Accessor),
                SyntaxFacts.GetText(target.AccessorAccessibility),
                target.Rank,
                target.HasValidAlpha ? target.Alpha : 1,
                target.HasValidDropout ? target.Dropout : 0,
                target.ByDefault,
                target.OutputHead,
                target.UseDora,
                target.VariantMistake is null ? target.Init! : LoraTargetField.DefaultInit,
                target.Slices,
                new([.. target is { SlicesMistake: null, VariantMistake: null, Trained: { } trained } ? trained : []]),
                target is { LoraBias: true, VariantMistake: null }))]);
    }
}
