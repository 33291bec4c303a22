using Basic.Reference.Assemblies;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Benchmarks;

/// <summary>
/// A user's project, a class to a file: attention, feed-forward network and the block around them, in turns, with bodies of the size that
/// such classes have. And one file with none of ours in it.
/// </summary>
public sealed class UserProject
{
    private const string Usings = """
        using System;
        using LoraGen;
        using TorchSharp;
        using TorchSharp.Modules;
        using static TorchSharp.torch;
        using static TorchSharp.torch.nn;

        namespace User.Models;


        """;

    private static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Latest);

    private static readonly CSharpCompilationOptions Options = new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release)
        .WithNullableContextOptions(NullableContextOptions.Enable)
        .WithSpecificDiagnosticOptions([new("CS1701", ReportDiagnostic.Suppress)]);

    private static readonly MetadataReference[] References =
    [
        .. Net100.References.All,
        MetadataReference.CreateFromFile(typeof(TorchSharp.torch).Assembly.Location),
        MetadataReference.CreateFromFile(typeof(LoraModelAttribute).Assembly.Location),
    ];

    private readonly List<(string Path, string Text)> _files;

    private UserProject(IEnumerable<(string Path, string Text)> files) => _files = [.. files];

    /// <summary>The project with <paramref name="classes"/> annotated classes.</summary>
    public static UserProject Annotated(int classes) => new(
        Enumerable.Range(0, classes).Select(i => ($"Model{i}.cs", Usings + ClassSources.At(i))).Append(("Unrelated.cs", Usings + ClassSources.Unrelated)));

    /// <summary>The same before LoRA came: no attributes, and each projection is called itself.</summary>
    public static UserProject Plain(int classes) => new(
        Annotated(classes)._files.Select(file => (file.Path, ClassSources.WithoutLora(file.Text))));

    /// <summary>The first class, an attention.</summary>
    public string FirstClass => _files[0].Text;

    /// <summary>The file with none of our attributes.</summary>
    public string Unrelated => _files[^1].Text;

    /// <summary>The project and files beside it, parsed anew; nothing in it is bound yet.</summary>
    public CSharpCompilation Parse(IEnumerable<(string Path, string Text)>? more = null)
        => CSharpCompilation.Create("User", [.. _files.Concat(more ?? []).Select(file => Parse(file.Path, file.Text))], References, Options);

    /// <summary>The generator's driver, before its first run.</summary>
    public static GeneratorDriver NewDriver() => NewDriver(new Generators.LoraModelGenerator());

    /// <summary>The same of another generator.</summary>
    public static GeneratorDriver NewDriver(IIncrementalGenerator generator)
        => CSharpGeneratorDriver.Create([generator.AsSourceGenerator()], parseOptions: ParseOptions);

    /// <summary>The compilation with another text in the first class's file.</summary>
    public Compilation EditFirstClass(Compilation compilation, string text) => Replace(compilation, 0, text);

    /// <summary>The compilation with another text in the file with none of our attributes.</summary>
    public Compilation EditUnrelated(Compilation compilation, string text) => Replace(compilation, _files.Count - 1, text);

    private Compilation Replace(Compilation compilation, int file, string text)
        => compilation.ReplaceSyntaxTree(compilation.SyntaxTrees.ElementAt(file), Parse(_files[file].Path, text));

    private static SyntaxTree Parse(string path, string text) => CSharpSyntaxTree.ParseText(text, ParseOptions, path, System.Text.Encoding.UTF8);
}
