using LoraGen.Generators.Models;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The nested class that mirrors the model and owns A and B.</summary>
    private static class Adapter
    {
        public static void Write(IndentedWriter writer, LoraModelInfo model)
        {
            var children = model.Children.Count > 0 ? " and of its [LoraModel] children" : "";
            writer.Write($"/// <summary>A and B of every annotated projection of {model.PlainName}{children}; it owns nothing of the base.</summary>");
            using (writer.Open($"public {(model.Base is null ? "" : "new ")}{(model.IsSealed ? "sealed " : "")}class Adapter : {model.Base?.AdapterType ?? "global::LoraGen.LoraAdapter"}"))
            {
                foreach (var target in model.Targets)
                {
                    Targets.WriteField(writer, target);
                }

                foreach (var child in model.Children)
                {
                    Children.WriteField(writer, child);
                }

                WriteConstructor(writer, model);
                WriteLoad(writer, model);
            }
        }

        /// <summary>Writes the class for signatures to name; the build fails with what is wrong with the model.</summary>
        public static void WriteSkeleton(IndentedWriter writer, LoraModelInfo model)
        {
            writer.Write($"""
                // {model.PlainName} has an error that leaves no room for the other members.
                #pragma warning disable CS0108 // a base class may have an adapter too
                """);
            using (writer.Open("public sealed class Adapter : global::LoraGen.LoraAdapter"))
            {
                writer.Write($$"""
                    private Adapter()
                        : base({{Literals.Quote(model.PlainName)}}, null!)
                    {
                    }
                    """);
            }
        }

        private static void WriteConstructor(IndentedWriter writer, LoraModelInfo model)
        {
            writer.Write($"""
                /// <summary>Used by CreateAdapter and Load.</summary>
                [global::System.ComponentModel.EditorBrowsable(global::System.ComponentModel.EditorBrowsableState.Never)]
                public Adapter({model.FullName} model, global::LoraGen.AdapterBuilder builder)
                    : base({(model.Base is null ? Literals.Quote(model.PlainName) : "model")}, builder)
                """);
            using (writer.Open())
            {
                foreach (var target in model.Targets)
                {
                    Targets.WriteAssignment(writer, target);
                }

                foreach (var child in model.Children)
                {
                    Children.WriteAssignment(writer, child);
                }

                foreach (var component in model.Targets.Select(target => target.Component).Concat(model.Children.Select(child => child.Component)))
                {
                    Components.WriteRegistration(writer, component);
                }
            }
        }

        private static void WriteLoad(IndentedWriter writer, LoraModelInfo model) => writer.Write($$"""
            /// <summary>Reads adapter_config.json and adapter_model.safetensors (PEFT's format) from folder for model.</summary>
            /// <param name="folder">The folder that Save or PEFT wrote.</param>
            /// <param name="model">The base that the adapter is for.</param>
            /// <returns>The adapter, not yet active.</returns>
            /// <exception cref="global::LoraGen.LoraException">A file is missing or malformed, or its tensors are not those of model.</exception>
            public static Adapter Load(string folder, {{model.FullName}} model)
            {
                global::System.ArgumentNullException.ThrowIfNull(model);
                return {{(model.Base is null ? "model._lora.Load(folder, model)" : $"(Adapter){model.Base.AdapterType}.Load(folder, model)")}};
            }
            """);
    }
}
