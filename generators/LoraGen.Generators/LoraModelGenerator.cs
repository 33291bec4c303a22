using System.Text;
using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using LoraGen.Generators.Writing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace LoraGen.Generators;

/// <summary>
/// Writes the other half of each [LoraModel] class: a method per annotated projection and the typed adapter. An invalid class gets
/// nothing: its analyzer says why.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed partial class LoraModelGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var models = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                KnownTypes.LoraModelAttribute,
                predicate: static (node, _) => node is ClassDeclarationSyntax,
                transform: static (target, token) => Model.Gather(target, token))
            .WithTrackingName(TrackingNames.Gathered)
            .Where(static model => model is not null)
            .WithTrackingName(TrackingNames.Models);

        context.RegisterSourceOutput(models, static (output, model) =>
        {
            var writer = new IndentedWriter();
            Model.Write(writer, model!);
            output.AddSource(model!.HintName, SourceText.From(writer.ToString(), Encoding.UTF8));
        });
    }
}
