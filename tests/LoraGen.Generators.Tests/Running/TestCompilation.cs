using Basic.Reference.Assemblies;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Tests.Running;

/// <summary>Sources of a user, compiled against .NET 10, TorchSharp, the LoraGen runtime and its Transformers.</summary>
internal static class TestCompilation
{
    /// <summary>What stands above every sample, so that the samples show only what matters.</summary>
    public const string Usings = """
        using System;
        using System.Collections.Generic;
        using LoraGen;
        using TorchSharp;
        using TorchSharp.Modules;
        using TorchSharp.Utils;
        using static TorchSharp.torch;
        using static TorchSharp.torch.nn;

        """;

    public static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Latest, DocumentationMode.Diagnose);

    public static readonly IReadOnlyList<MetadataReference> Libraries =
    [
        MetadataReference.CreateFromFile(typeof(TorchSharp.torch).Assembly.Location),
        MetadataReference.CreateFromFile(typeof(LoraModelAttribute).Assembly.Location),
        MetadataReference.CreateFromFile(typeof(LoraGen.Transformers.Generation.TextGenerator).Assembly.Location),
    ];

    public static readonly CSharpCompilationOptions Options = new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
        .WithNullableContextOptions(NullableContextOptions.Enable)
        .WithWarningLevel(9999)
        // TorchSharp was built for .NET 8; the SDK, too, tells the compiler that this is well.
        .WithSpecificDiagnosticOptions([new("CS1701", ReportDiagnostic.Suppress)]);

    public static CSharpCompilation Create(params string[] sources) => Create(sources.Select((source, index) => Parse(source, $"Sample{index}.cs")));

    public static CSharpCompilation Create(IEnumerable<SyntaxTree> sources)
        => CSharpCompilation.Create("Sample", sources, [.. Net100.References.All, .. Libraries], Options);

    public static SyntaxTree Parse(string source, string path) => CSharpSyntaxTree.ParseText(Usings + source, ParseOptions, path);
}
