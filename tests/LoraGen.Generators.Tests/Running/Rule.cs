using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Testing;

namespace LoraGen.Generators.Tests.Running;

/// <summary>What a rule finds in a sample; <c>[|…|]</c> marks where it must, and nowhere else may it find anything.</summary>
internal static class Rule<TAnalyzer>
    where TAnalyzer : DiagnosticAnalyzer, new()
{
    public static Task Finds(string source) => new CodeTest<TAnalyzer, EmptyCodeFixProvider>(source).RunAsync(TestContext.Current.CancellationToken);

    /// <summary>The same for one place, <c>{|#0:…|}</c>, and with the message that the user reads there.</summary>
    public static Task Says(string message, string source)
    {
        var test = new CodeTest<TAnalyzer, EmptyCodeFixProvider>(source);
        test.ExpectedDiagnostics.Add(new DiagnosticResult(new TAnalyzer().SupportedDiagnostics.Single()).WithLocation(0).WithMessage(message));
        return test.RunAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Fixes one diagnostic after the other and, from the start again, all at once: both end in the same text.</summary>
    public static Task Fixes<TFix>(string source, string fixedSource, int diagnostics = 1)
        where TFix : CodeFixProvider, new()
        => new CodeTest<TAnalyzer, TFix>(source, fixedSource) { NumberOfIncrementalIterations = diagnostics, NumberOfFixAllIterations = 1 }
            .RunAsync(TestContext.Current.CancellationToken);

    /// <summary>A test over several files, each with what it is to become; a file without that stays.</summary>
    public static CodeTest<TAnalyzer, TFix> TestOf<TFix>(params (string Source, string? FixedSource)[] files)
        where TFix : CodeFixProvider, new()
    {
        var test = new CodeTest<TAnalyzer, TFix>(files[0].Source, files[0].FixedSource ?? files[0].Source);
        foreach (var (source, fixedSource) in files.Skip(1))
        {
            test.TestState.Sources.Add(TestCompilation.Usings + source);
            test.FixedState.Sources.Add(TestCompilation.Usings + (fixedSource ?? source));
        }

        return test;
    }

    /// <summary>Leaves a diagnostic to the user.</summary>
    public static Task DoesNotFix<TFix>(string source)
        where TFix : CodeFixProvider, new()
        => new CodeTest<TAnalyzer, TFix>(source, source).RunAsync(TestContext.Current.CancellationToken);
}
