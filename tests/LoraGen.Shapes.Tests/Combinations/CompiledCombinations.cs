using System.Reflection;
using Basic.Reference.Assemblies;
using LoraGen.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Shapes.Tests.Combinations;

/// <summary>A class for each combination, through the generator, all analyzers and the compiler.</summary>
internal static class CompiledCombinations
{
    private const string Usings = """
        using LoraGen;
        using TorchSharp.Modules;
        using static TorchSharp.torch;
        using static TorchSharp.torch.nn;

        """;

    private static readonly Lazy<Compilation> Output = new(Generate);
    private static readonly Lazy<Assembly> Compiled = new(Emit);
    private static readonly Lazy<ILookup<string, string>> Found = new(() => Analyze().ToLookup(diagnostic => ClassOf(diagnostic), diagnostic => diagnostic.Id));

    /// <summary>What the analyzers report of it.</summary>
    public static IEnumerable<string> RulesThatReport(Combination combination) => Found.Value[combination.Name];

    /// <summary>Its class, whatever they report.</summary>
    public static Type TypeOf(Combination combination) => Compiled.Value.GetType(combination.Name, throwOnError: true)!;

    private static Compilation Generate()
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        var compilation = CSharpCompilation.Create(
            "Combinations",
            [.. Combination.All.Select(combination => CSharpSyntaxTree.ParseText(Usings + combination.Source, options, combination.Name))],
            [
                .. Net100.References.All,
                MetadataReference.CreateFromFile(typeof(TorchSharp.torch).Assembly.Location),
                MetadataReference.CreateFromFile(typeof(LoraModelAttribute).Assembly.Location),
            ],
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary).WithNullableContextOptions(NullableContextOptions.Enable));
        CSharpGeneratorDriver.Create([new LoraModelGenerator().AsSourceGenerator()], parseOptions: options)
            .RunGeneratorsAndUpdateCompilation(compilation, out var output, out _);
        return output;
    }

    private static Assembly Emit()
    {
        using var image = new MemoryStream();
        var result = Output.Value.Emit(image, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Empty(result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        return Assembly.Load(image.ToArray());
    }

    private static IReadOnlyList<Diagnostic> Analyze()
    {
        var analyzers = typeof(LoraModelGenerator).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(DiagnosticAnalyzer)) && !type.IsAbstract)
            .Select(type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!);
        return Output.Value.WithAnalyzers([.. analyzers]).GetAnalyzerDiagnosticsAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
    }

    private static string ClassOf(Diagnostic diagnostic) => diagnostic.Location.SourceTree!.FilePath;
}
