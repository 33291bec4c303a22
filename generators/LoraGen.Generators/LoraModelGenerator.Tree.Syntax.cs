using LoraGen.Generators.Models;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The walks over the model and its adapter side by side; a derived class walks what its base class has first.</summary>
    private static class Tree
    {
        private const string HiddenFromUsers = """
            /// <inheritdoc/>
            [global::System.ComponentModel.EditorBrowsable(global::System.ComponentModel.EditorBrowsableState.Never)]
            """;

        public static void Write(IndentedWriter writer, LoraModelInfo model)
        {
            writer.Write(HiddenFromUsers);
            writer.Write($"""
                public {Modifier(model)}Adapter NewAdapter(global::LoraGen.AdapterBuilder builder)
                    => new Adapter(this, builder);

                """);
            WriteAttach(writer, model);
            WriteAddSites(writer, model);
        }

        /// <summary>What makes a derived class's own method the one that is called.</summary>
        public static string Modifier(LoraModelInfo model) => model switch
        {
            { Base: not null } => "override ",
            { IsSealed: true } => "",
            _ => "virtual ",
        };

        private static void WriteAttach(IndentedWriter writer, LoraModelInfo model)
        {
            if (model.Base is not null && model.Children.Count == 0)
            {
                return;
            }

            writer.Write(HiddenFromUsers);
            using (writer.Open($"public {Modifier(model)}void Attach({ParameterType(model)}? adapter)"))
            {
                writer.Write(model.Base is null ? "_lora.Active = adapter;" : "base.Attach(adapter);\nvar own = (Adapter?)adapter;");
                foreach (var child in model.Children)
                {
                    Children.WriteAttach(writer, child, Own(model));
                }
            }
        }

        private static void WriteAddSites(IndentedWriter writer, LoraModelInfo model)
        {
            writer.Write(HiddenFromUsers);
            using (writer.Open($"public {Modifier(model)}void AddSites({ParameterType(model)} adapter, global::LoraGen.LoraSites sites)"))
            {
                if (model.Base is not null)
                {
                    writer.Write((model.Targets.Count + model.Children.Count > 0 ? "var own = " : "") + "sites.Require<Adapter>(adapter);");
                    writer.Write("base.AddSites(adapter, sites);");
                }

                foreach (var target in model.Targets)
                {
                    Targets.WriteSite(writer, target, Own(model));
                }

                foreach (var child in model.Children)
                {
                    Children.WriteSites(writer, child, Own(model));
                }
            }
        }

        private static string ParameterType(LoraModelInfo model) => model.Base?.RootAdapterType ?? "Adapter";

        private static string Own(LoraModelInfo model) => model.Base is null ? "adapter" : "own";
    }
}
