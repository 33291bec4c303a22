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
        public static ComponentInfo Gather(IFieldSymbol field) => new(
            Literals.Identifier(field.Name),
            field.FindComponentName() ?? field.Name,
            IsNullable: field.NullableAnnotation != NullableAnnotation.NotAnnotated);

        /// <summary>The field from within its class, where a parameter or local may have the same name.</summary>
        public static string Access(ComponentInfo component, params string[] locals)
            => locals.Contains(component.Field) ? $"this.{component.Field}" : component.Field;

        /// <summary>Writes the adapter's field.</summary>
        public static void WriteField(IndentedWriter writer, ComponentInfo component, string modifiers, string type)
            => writer.Write($"{modifiers} readonly {type}{(component.IsNullable ? "?" : "")} {component.Field};");

        /// <summary>Writes the assignment of the adapter's field in its constructor.</summary>
        public static void WriteAssignment(IndentedWriter writer, ComponentInfo component, string value)
        {
            var absent = component.IsNullable ? $"model.{component.Field} is null ? null : " : "";
            writer.Write($"{Access(component, "model", "builder")} = {absent}{value};");
        }

        /// <summary>Writes that the adapter's field is a component, under the name that the model's has.</summary>
        public static void WriteRegistration(IndentedWriter writer, ComponentInfo component)
        {
            var field = Access(component, "model", "builder");
            var registration = $"register_module({Literals.Quote(component.Name)}, {field});";
            if (!component.IsNullable)
            {
                writer.Write(registration);
                return;
            }

            using (writer.Open($"if ({field} is not null)"))
            {
                writer.Write(registration);
            }
        }
    }
}
