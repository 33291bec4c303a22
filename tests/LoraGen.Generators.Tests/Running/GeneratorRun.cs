using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Tests.Running;

/// <summary>One run of the generator over a sample.</summary>
internal sealed class GeneratorRun
{
    private GeneratorRun(Compilation output, GeneratorDriverRunResult result)
    {
        (Output, GeneratedTrees) = (output, result.GeneratedTrees);
        var run = Assert.Single(result.Results);
        Assert.Null(run.Exception);
        Diagnostics = run.Diagnostics;
        Files = run.GeneratedSources.ToDictionary(file => file.HintName, file => file.SourceText.ToString());
    }

    /// <summary>The generated texts by hint name.</summary>
    public IReadOnlyDictionary<string, string> Files { get; }

    /// <summary>The same, as a part of the output.</summary>
    public IReadOnlyList<SyntaxTree> GeneratedTrees { get; }

    /// <summary>What the generator itself reports.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics { get; }

    /// <summary>What the compiler says about the sample and the generated code together.</summary>
    public IEnumerable<Diagnostic> Complaints => Output.GetDiagnostics().Where(diagnostic => !IsAboutTheSampleOnly(diagnostic));

    /// <summary>The sample with its generated half.</summary>
    public Compilation Output { get; }

    public static GeneratorRun Of(params string[] sources) => Of(TestCompilation.Create(sources));

    public static GeneratorRun Of(CSharpCompilation compilation)
    {
        var driver = CSharpGeneratorDriver
            .Create([new LoraModelGenerator().AsSourceGenerator()], parseOptions: (CSharpParseOptions)compilation.SyntaxTrees[0].Options)
            .RunGeneratorsAndUpdateCompilation(compilation, out var output, out _);
        return new GeneratorRun(output, driver.GetRunResult());
    }

    /// <summary>The compiled assembly, for another to refer to.</summary>
    public MetadataReference ToReference()
    {
        using var image = new MemoryStream();
        Assert.True(Output.Emit(image, cancellationToken: TestContext.Current.CancellationToken).Success);
        return MetadataReference.CreateFromImage(image.ToArray());
    }

    // A sample's usings serve all samples, its fields are never assigned and its classes are not documented.
    private static bool IsAboutTheSampleOnly(Diagnostic diagnostic)
        => diagnostic.Id is "CS8019" or "CS0169" or "CS0649" or "CS8618" or "CS1591"
            && !diagnostic.Location.SourceTree!.FilePath.EndsWith(".g.cs", StringComparison.Ordinal);
}
