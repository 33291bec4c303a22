using System.Collections.Immutable;
using LoraGen.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Tests.Running;

/// <summary>All rules at once, over a sample with its generated half.</summary>
internal static class Analysis
{
    public static readonly ImmutableArray<DiagnosticAnalyzer> Analyzers =
    [
        .. typeof(LoraAnalyzer).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(LoraAnalyzer)) && !type.IsAbstract)
            .Select(type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!),
    ];

    /// <summary>The rules of the analyzers, and the one that the generator reports itself.</summary>
    public static IEnumerable<DiagnosticDescriptor> Rules => Analyzers.SelectMany(analyzer => analyzer.SupportedDiagnostics).Append(NotPartialRule.Rule);

    /// <summary>What they say; an analyzer that throws fails the test.</summary>
    public static async Task<IReadOnlyList<Diagnostic>> Of(GeneratorRun run)
    {
        Exception? thrown = null;
        var options = new CompilationWithAnalyzersOptions(
            new AnalyzerOptions([]),
            onAnalyzerException: (exception, _, _) => thrown = exception,
            concurrentAnalysis: false,
            logAnalyzerExecutionTime: false);
        var diagnostics = await run.Output.WithAnalyzers(Analyzers, options).GetAnalyzerDiagnosticsAsync(TestContext.Current.CancellationToken);
        Assert.Null(thrown);
        return [.. run.Diagnostics, .. diagnostics];
    }
}
