using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using LoraGen.Generators.Writing;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>What targets and children share: a field of the model and its mirror in the adapter.</summary>
    private static class Components
    {
        public static ComponentInfo Gather(IFieldSymbol field)
        {
            var name = field.FindComponentName();
            return new ComponentInfo(
                Literals.Identifier(field.Name),
                name ?? field.Name,
                IsRenamed: name is not null,
                IsNullable: field.NullableAnnotation == NullableAnnotation.Annotated);
        }

        /// <summary>The field from within its class, where a parameter or local may have the same name.</summary>
        public static string Access(ComponentInfo component, params string[] locals)
            => locals.Contains(component.Field) ? $"this.{component.Field}" : component.Field;

        /// <summary>Writes the adapter's field.</summary>
        public static void WriteField(IndentedWriter writer, ComponentInfo component, string modifiers, string type)
        {
            if (component.IsRenamed)
            {
                writer.Write($"[global::TorchSharp.Utils.ComponentName(Name = {Literals.Quote(component.Name)})]");
            }

            writer.Write($"{modifiers} readonly {type}{(component.IsNullable ? "?" : "")} {component.Field};");
        }

        /// <summary>Writes the assignment of the adapter's field in its constructor.</summary>
        public static void WriteAssignment(IndentedWriter writer, ComponentInfo component, string value)
        {
            var absent = component.IsNullable ? $"model.{component.Field} is null ? null : " : "";
            writer.Write($"{Access(component, "model", "builder")} = {absent}{value};");
        }
    }
}
