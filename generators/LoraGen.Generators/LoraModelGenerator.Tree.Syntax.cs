using LoraGen.Generators.Models;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The two walks over the model and its adapter side by side.</summary>
    private static class Tree
    {
        private const string HiddenFromUsers = """
            /// <inheritdoc/>
            [global::System.ComponentModel.EditorBrowsable(global::System.ComponentModel.EditorBrowsableState.Never)]
            """;

        public static void Write(IndentedWriter writer, LoraModelInfo model)
        {
            writer.Write(HiddenFromUsers);
            using (writer.Open("public void Attach(Adapter? adapter)"))
            {
                writer.Write("_lora.Active = adapter;");
                foreach (var child in model.Children)
                {
                    Children.WriteAttach(writer, child);
                }
            }

            writer.Write(HiddenFromUsers);
            using (writer.Open("public void AddSites(Adapter adapter, global::LoraGen.LoraSites sites)"))
            {
                foreach (var target in model.Targets)
                {
                    Targets.WriteSite(writer, target);
                }

                foreach (var child in model.Children)
                {
                    Children.WriteSites(writer, child);
                }
            }
        }
    }
}
