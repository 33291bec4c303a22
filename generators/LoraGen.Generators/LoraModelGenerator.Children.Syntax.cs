using LoraGen.Generators.Models;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    private static partial class Children
    {
        /// <summary>Writes how a child hears which adapter is active.</summary>
        public static void WriteAttach(IndentedWriter writer, ChildInfo child, string adapter)
        {
            var field = Components.Access(child.Component, "adapter", "own", "i");
            var (name, maybe) = (child.Component.Field, child.Component.IsNullable ? "?" : "");
            if (!child.IsList)
            {
                writer.Write($"{As(child, field, maybe)}{maybe}.Attach({adapter}?.{name});");
                return;
            }

            using (writer.Open($"for (var i = 0; i < {field}{maybe}.Count; i++)"))
            {
                writer.Write($"{As(child, $"{field}[i]")}.Attach({adapter}?.{name}{maybe}[i]);");
            }
        }

        /// <summary>Writes how a child adds its projections to the sites of its parent.</summary>
        public static void WriteSites(IndentedWriter writer, ChildInfo child, string parentAdapter)
        {
            var name = Literals.Quote(child.Component.Name);
            var field = Components.Access(child.Component, "adapter", "own", "sites", "i");
            var adapter = $"{parentAdapter}.{child.Component.Field}";
            if (child.IsList)
            {
                var maybe = child.Component.IsNullable ? "?" : "";
                writer.Write($"sites.RequireSameCount({name}, {Count(field, maybe)}, {Count(adapter, maybe)});");
            }
            else if (child.Component.IsNullable)
            {
                writer.Write($"sites.RequireSameCount({name}, {field} is null ? 0 : 1, {adapter} is null ? 0 : 1);");
            }

            if (child.Component.IsNullable)
            {
                using (writer.Open($"if ({field} is not null && {adapter} is not null)"))
                {
                    WritePresent();
                }
            }
            else
            {
                WritePresent();
            }

            void WritePresent()
            {
                if (!child.IsList)
                {
                    writer.Write($"{As(child, field)}.AddSites({adapter}, sites.Child({name}));");
                    return;
                }

                using (writer.Open($"for (var i = 0; i < {field}.Count; i++)"))
                {
                    writer.Write($$"""{{As(child, $"{field}[i]")}}.AddSites({{adapter}}[i], sites.Child($"{{Literals.Interpolated(child.Component.Name)}}.{i}"));""");
                }
            }
        }

        /// <summary>Writes the adapter's field for the child's adapter.</summary>
        public static void WriteField(IndentedWriter writer, ChildInfo child)
        {
            var name = Literals.Comment(child.Component.Name);
            writer.Write(child.IsList ? $"/// <summary>The adapters of {name}, in order.</summary>" : $"/// <summary>The adapter of {name}.</summary>");
            Components.WriteField(
                writer,
                child.Component,
                child.IsPublic ? "public" : "internal",
                child.IsList ? $"global::TorchSharp.Modules.ModuleList<{child.AdapterType}>" : child.AdapterType);
            writer.Space();
        }

        /// <summary>Writes the creation of the child's adapter in its parent's constructor.</summary>
        public static void WriteAssignment(IndentedWriter writer, ChildInfo child)
        {
            var (name, field) = (Literals.Quote(child.Component.Name), $"model.{child.Component.Field}");
            Components.WriteAssignment(writer, child.Component, child.IsList
                ? $"builder.Children({name}, {field}, static (child, childBuilder) => {As(child, "child")}.NewAdapter(childBuilder))"
                : $"{As(child, field)}.NewAdapter(builder.Child({name}))");
        }

        // As the class that the generated members are those of.
        private static string As(ChildInfo child, string value, string maybe = "") => child.Class is null ? value : $"(({child.Class}{maybe}){value})";

        private static string Count(string list, string maybe) => maybe.Length == 0 ? $"{list}.Count" : $"{list}?.Count ?? 0";
    }
}
