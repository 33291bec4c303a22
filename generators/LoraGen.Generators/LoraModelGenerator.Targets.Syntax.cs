using System.Globalization;
using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    private static partial class Targets
    {
        /// <summary>Writes the method per projection that the class calls in place of the projection.</summary>
        public static void WriteAccessors(IndentedWriter writer, LoraModelInfo model)
        {
            foreach (var target in model.Targets)
            {
                var kind = target.Kind;
                var field = Components.Access(target.Component, kind.Input);
                var present = target.Component.IsNullable ? "!" : "";
                writer.Write($"""
                    /// <summary>{Literals.Comment(target.Component.Name)}({kind.Input}) and, when an adapter is active, its update: {kind.Formula}; {Values(target)}.</summary>
                    /// <param name="{kind.Input}">{kind.InputIs}</param>
                    /// <returns>{kind.OutputIs}</returns>
                    {target.Accessibility} global::TorchSharp.torch.Tensor {target.Accessor}(global::TorchSharp.torch.Tensor {kind.Input})
                        => {kind.Update}.Forward({field}{present}, ActiveAdapter?.{target.Component.Field}, {kind.Input});

                    """);
            }
        }

        /// <summary>Writes where an adapter's update belongs: the projection that it is added to.</summary>
        public static void WriteSite(IndentedWriter writer, TargetInfo target, string adapter)
        {
            var name = Literals.Quote(target.Component.Name);
            var field = Components.Access(target.Component, "adapter", "own", "sites", "i");
            var update = $"{adapter}.{target.Component.Field}";
            var site = $"sites.Add({name}, {field}, {update});";
            if (!target.Component.IsNullable)
            {
                writer.Write(site);
                return;
            }

            writer.Write($"sites.RequireSameCount({name}, {field} is null ? 0 : 1, {update} is null ? 0 : 1);");
            using (writer.Open($"if ({field} is not null && {update} is not null)"))
            {
                writer.Write(site);
            }
        }

        /// <summary>Writes the adapter's field for the update.</summary>
        public static void WriteField(IndentedWriter writer, TargetInfo target)
        {
            writer.Write($"""
                /// <summary>The update of {Literals.Comment(target.Component.Name)}, {target.Kind.Delta}: {Shapes(target)}; {Values(target)}.</summary>
                """);
            Components.WriteField(writer, target.Component, "public", target.Kind.Update);
            writer.Space();
        }

        /// <summary>Writes the creation of the update in the adapter's constructor.</summary>
        public static void WriteAssignment(IndentedWriter writer, TargetInfo target)
            => Components.WriteAssignment(
                writer,
                target.Component,
                $"builder.{target.Kind.Name}({Literals.Quote(target.Component.Name)}, model.{target.Component.Field}, rank: {Literals.Integer(target.Rank)}, alpha: {Literals.Double(target.Alpha)}, dropout: {Literals.Double(target.Dropout)}{Selection(target)}{Variant(target)})");

        private static string Selection(TargetInfo target)
            => (target.ByDefault ? "" : ", byDefault: false") + (target.OutputHead ? ", outputHead: true" : "");

        private static string Variant(TargetInfo target)
            => (target.UseDora ? ", useDora: true" : "")
            + (target.Init != LoraTargetField.DefaultInit ? $", init: global::LoraGen.LoraInit.{target.Init}" : "")
            + (target.Trained.Count > 0 ? $", slices: new global::LoraGen.FusedSlices({Literals.Integer(target.Slices)}, {Numbers(target.Trained)})" : "")
            + (target.LoraBias ? ", loraBias: true" : "");

        private static string Numbers(EquatableArray<int> numbers) => string.Join(", ", numbers.Select(Literals.Integer));

        private static string Shapes(TargetInfo target) => target.Trained.Count > 0
            ? $"A [{(target.Trained.Count > 1 ? $"{Literals.Integer(target.Trained.Count)} r" : "r")}, in_features], B [{Literals.Integer(target.Trained.Count)}/{Literals.Integer(target.Slices)} out_features, r]"
            : target.Kind.Shapes;

        // A tooltip is where a reader looks for what the attribute, often lines away or left at its defaults, comes to.
        private static string Values(TargetInfo target)
        {
            var scale = (target.Alpha / target.Rank).ToString("G5", CultureInfo.InvariantCulture);
            var dropout = target.Dropout > 0 ? $", dropout {Literals.Number(target.Dropout)}" : "";
            var dora = target.UseDora ? ", with DoRA" : "";
            var bias = target.LoraBias ? ", with a bias of B" : "";
            var init = target.Init != LoraTargetField.DefaultInit ? $", begun with LoraInit.{target.Init}" : "";
            var slices = target.Trained.Count > 0 ? $" for each of the slices [{Numbers(target.Trained)}] of {Literals.Integer(target.Slices)}" : "";
            var adapted = target.ByDefault ? "" : "; adapted only where a LoraConfig names it";
            return $"rank {Literals.Integer(target.Rank)}, alpha {Literals.Number(target.Alpha)}, scale {scale}{slices}{dropout}{dora}{bias}{init} unless a LoraConfig says otherwise{adapted}";
        }
    }
}
