using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Microsoft.CodeAnalysis;

namespace LoraGen.Benchmarks;

/// <summary>
/// What the generator costs beside the compilation of the same project. Texts and references are in memory and the process is warm, so
/// disk and start-up are in neither.
/// </summary>
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByParams)]
public class GenerationBenchmarks
{
    private UserProject _plain = null!;
    private UserProject _annotated = null!;
    private (string Path, string Text)[] _generated = null!;
    private Compilation _compilation = null!;
    private GeneratorDriver _driver = null!;
    private string _unrelated = null!;
    private string _body = null!;
    private string _attribute = null!;

    [Params(10, 100, 1000)]
    public int Classes { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        (_plain, _annotated) = (UserProject.Plain(Classes), UserProject.Annotated(Classes));
        _compilation = _annotated.Parse();
        _driver = UserProject.NewDriver().RunGenerators(_compilation);
        _generated = [.. _driver.GetRunResult().GeneratedTrees.Select(tree => (tree.FilePath, tree.ToString()))];
        _unrelated = Edited(_annotated.Unrelated, "Warmup = 100", "Warmup = 200");
        _body = Edited(_annotated.FirstClass, "/ Math.Sqrt(_headWidth)", "* Math.Pow(_headWidth, -0.5)");
        _attribute = Edited(_annotated.FirstClass, "Rank = 16", "Rank = 32");
        if (_generated.Length != Classes)
        {
            throw new InvalidOperationException($"{_generated.Length} files for {Classes} classes.");
        }
    }

    /// <summary>Parse, bind and emit the project as it was before LoRA came.</summary>
    [Benchmark(Baseline = true, Description = "compile, without LoRA")]
    public long Compile() => Emit(_plain.Parse());

    /// <summary>The same with the attributes and what is generated, as if it had been written by hand.</summary>
    [Benchmark(Description = "compile, generated code as source")]
    public long CompileGenerated() => Emit(_annotated.Parse(_generated));

    /// <summary>All that a build does: parse, generate, bind and emit.</summary>
    [Benchmark(Description = "compile, with the generator")]
    public long CompileAndGenerate()
    {
        UserProject.NewDriver().RunGeneratorsAndUpdateCompilation(_annotated.Parse(), out var output, out _);
        return Emit(output);
    }

    /// <summary>Parsing alone, which comes before generation in the next row.</summary>
    [Benchmark(Description = "parse")]
    public object Parse() => _annotated.Parse();

    /// <summary>What Roslyn takes to find the classes, before any code of ours runs.</summary>
    [Benchmark(Description = "parse and find the classes")]
    public object Find() => UserProject.NewDriver(new BareGenerator(readsMembers: false)).RunGenerators(_annotated.Parse());

    /// <summary>And to bind what our code reads of them, whatever it then does.</summary>
    [Benchmark(Description = "parse, find and bind the classes")]
    public object FindAndBind() => UserProject.NewDriver(new BareGenerator(readsMembers: true)).RunGenerators(_annotated.Parse());

    /// <summary>The first run of a new driver on a compilation in which nothing is bound yet.</summary>
    [Benchmark(Description = "parse and generate, cold")]
    public object Cold() => UserProject.NewDriver().RunGenerators(_annotated.Parse());

    /// <summary>The next run after an edit in a file with none of our attributes.</summary>
    [Benchmark(Description = "generate, unrelated edit")]
    public object AfterUnrelatedEdit() => _driver.RunGenerators(_annotated.EditUnrelated(_compilation, _unrelated));

    /// <summary>The next run after an edit in a method of an annotated class.</summary>
    [Benchmark(Description = "generate, edit in a body")]
    public object AfterEditInBody() => _driver.RunGenerators(_annotated.EditFirstClass(_compilation, _body));

    /// <summary>The next run after another rank.</summary>
    [Benchmark(Description = "generate, another rank")]
    public object AfterAnotherRank() => _driver.RunGenerators(_annotated.EditFirstClass(_compilation, _attribute));

    private static string Edited(string text, string old, string replacement)
        => text.Contains(old, StringComparison.Ordinal) ? text.Replace(old, replacement, StringComparison.Ordinal) : throw new InvalidOperationException($"No '{old}' to edit.");

    private static long Emit(Compilation compilation)
    {
        using var image = new MemoryStream();
        var emitted = compilation.Emit(image);
        return emitted.Success ? image.Length : throw new InvalidOperationException(string.Join('\n', emitted.Diagnostics.Take(5)));
    }
}
