using System.Text;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Semantics;
using LoraGen.Generators.Writing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace LoraGen.Generators;

/// <summary>
/// Writes the other half of each [LoraModel] class: a method per annotated projection and the typed adapter. An invalid class gets what can
/// be written of it, and an analyzer says what is wrong; one that is not partial gets nothing, and its error from here.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed partial class LoraModelGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var gathered = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                KnownTypes.LoraModelAttribute,
                predicate: static (node, _) => node.Kind() is SyntaxKind.ClassDeclaration or SyntaxKind.RecordDeclaration,
                transform: static (target, token) => Model.Gather(target, token))
            .WithTrackingName(TrackingNames.Gathered);
        var models = gathered
            .Select(static (found, _) => found.Model)
            .Where(static model => model is not null)
            .WithTrackingName(TrackingNames.Models);
        var closed = gathered
            .Select(static (found, _) => found.Closed)
            .Where(static closed => closed is not null);

        context.RegisterSourceOutput(models, static (output, model) =>
        {
            var writer = new IndentedWriter();
            Model.Write(writer, model!);
            output.AddSource(model!.HintName, SourceText.From(writer.ToString(), Encoding.UTF8));
        });

        // An editor needs the file itself to show the error there and to offer the fix. Nothing runs where every class is partial.
        context.RegisterSourceOutput(
            closed.Combine(context.CompilationProvider),
            static (output, found) => output.ReportDiagnostic(NotPartialRule.Make(found.Left!, found.Right)));
    }
}
