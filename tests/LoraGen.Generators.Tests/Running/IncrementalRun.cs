using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Tests.Running;

/// <summary>A generator that has run once and runs again after each edit, with the reason of each step.</summary>
internal sealed class IncrementalRun
{
    private readonly Compilation _compilation;
    private readonly GeneratorDriver _driver;

    public IncrementalRun(params string[] sources)
        : this(TestCompilation.Create(sources))
    {
    }

    public IncrementalRun(Compilation compilation)
        : this(
            compilation,
            CSharpGeneratorDriver.Create(
                [new LoraModelGenerator().AsSourceGenerator()],
                parseOptions: TestCompilation.ParseOptions,
                driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true)))
    {
    }

    private IncrementalRun(Compilation compilation, GeneratorDriver driver)
        => (_compilation, _driver) = (compilation, driver.RunGenerators(compilation, TestContext.Current.CancellationToken));

    /// <summary>Why each class with the attribute was or was not read again.</summary>
    public IEnumerable<IncrementalStepRunReason> Gathered => Reasons(Result.TrackedSteps[TrackingNames.Gathered]);

    /// <summary>Why each class's model was or was not made again.</summary>
    public IEnumerable<IncrementalStepRunReason> Models => Reasons(Steps);

    /// <summary>Why each file was or was not written again.</summary>
    public IEnumerable<IncrementalStepRunReason> Outputs
        => Reasons(Result.TrackedOutputSteps.Values.SelectMany(steps => steps));

    /// <summary>The models themselves.</summary>
    public IReadOnlyList<object> ModelValues => [.. Steps.SelectMany(step => step.Outputs).Select(output => output.Value)];

    /// <summary>What was read of each class with the attribute.</summary>
    public IReadOnlyList<object> GatheredValues => [.. Result.TrackedSteps[TrackingNames.Gathered].SelectMany(step => step.Outputs).Select(output => output.Value)];

    /// <summary>What the generator itself reports.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics => Result.Diagnostics;

    /// <summary>The names of the files that there are now.</summary>
    public IEnumerable<string> Files => Result.GeneratedSources.Select(file => file.HintName);

    private GeneratorRunResult Result => Assert.Single(_driver.GetRunResult().Results);

    private IEnumerable<IncrementalGeneratorRunStep> Steps => Result.TrackedSteps[TrackingNames.Models];

    private static IEnumerable<IncrementalStepRunReason> Reasons(IEnumerable<IncrementalGeneratorRunStep> steps)
        => steps.SelectMany(step => step.Outputs).Select(output => output.Reason);

    /// <summary>Another text of one file.</summary>
    public IncrementalRun Edit(int file, string source)
    {
        var old = _compilation.SyntaxTrees.ElementAt(file);
        return Edit(compilation => compilation.ReplaceSyntaxTree(old, TestCompilation.Parse(source, old.FilePath)));
    }

    /// <summary>Any other edit.</summary>
    public IncrementalRun Edit(Func<Compilation, Compilation> edit) => new(edit(_compilation), _driver);

    /// <summary>The same text again, under a token that is cancelled already.</summary>
    public void RunCancelled() => _driver.RunGenerators(_compilation.Clone(), new CancellationToken(canceled: true));
}
