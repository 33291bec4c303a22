using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Tests.Running;

/// <summary>A generator that has run once and runs again after each edit, with the reason of each step.</summary>
internal sealed class IncrementalRun
{
    private readonly Compilation _compilation;
    private readonly GeneratorDriver _driver;

    public IncrementalRun(params string[] sources)
        : this(
            TestCompilation.Create(sources),
            CSharpGeneratorDriver.Create(
                [new LoraModelGenerator().AsSourceGenerator()],
                parseOptions: TestCompilation.ParseOptions,
                driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true)))
    {
    }

    private IncrementalRun(Compilation compilation, GeneratorDriver driver)
        => (_compilation, _driver) = (compilation, driver.RunGenerators(compilation));

    /// <summary>Why each class's model was or was not made again.</summary>
    public IEnumerable<IncrementalStepRunReason> Models => Steps.SelectMany(step => step.Outputs).Select(output => output.Reason);

    /// <summary>Why each file was or was not written again.</summary>
    public IEnumerable<IncrementalStepRunReason> Outputs
        => Result.TrackedOutputSteps.Values.SelectMany(steps => steps).SelectMany(step => step.Outputs).Select(output => output.Reason);

    /// <summary>The models themselves.</summary>
    public IReadOnlyList<object> ModelValues => [.. Steps.SelectMany(step => step.Outputs).Select(output => output.Value)];

    private GeneratorRunResult Result => Assert.Single(_driver.GetRunResult().Results);

    private IEnumerable<IncrementalGeneratorRunStep> Steps => Result.TrackedSteps[TrackingNames.Models];

    public IncrementalRun Edit(int file, string source)
    {
        var old = _compilation.SyntaxTrees.ElementAt(file);
        return new IncrementalRun(_compilation.ReplaceSyntaxTree(old, TestCompilation.Parse(source, old.FilePath)), _driver);
    }
}
