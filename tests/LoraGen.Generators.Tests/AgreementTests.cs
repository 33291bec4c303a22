using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Tests;

/// <summary>
/// The generator and the analyzers agree: a class has code or an error, never neither. An invalid class has both where that can be, since csc
/// asks no analyzer once a declaration has an error, and every signature that names an adapter that is not there has one.
/// </summary>
public sealed class AgreementTests
{
    private const string Forward = "public override Tensor forward(Tensor x) => x;";
    private const string Signature = "static class Program { static M.Adapter? Train(M model, M.Adapter adapter) => adapter; static M.Adapter? kept; }";

    [Theory]
    [InlineData("LORA003", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] LayerNorm up = LayerNorm(4); FORWARD }")]
    [InlineData("LORA003", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [field: LoraTarget] Linear up { get; } = Linear(4, 4); FORWARD }")]
    [InlineData("LORA004", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Rank = 0)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA004", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Rank = 0)] Linear up = Linear(4, 4); public override Tensor forward(Tensor x) => Up(x); void Use() => Merge(CreateAdapter()); }")]
    [InlineData("LORA004", "[LoraModel] partial class B() : Module<Tensor, Tensor>(\"B\") { [LoraTarget(Rank = 0)] Linear up = Linear(4, 4); FORWARD } [LoraModel] partial class M : B { B? next; }")]
    [InlineData("LORA006", "[LoraModel] partial class M { [LoraTarget] Linear up = Linear(4, 4); }")]
    [InlineData("LORA006", "[LoraModel] partial record M { [LoraTarget] Linear up = Linear(4, 4); }")]
    [InlineData("LORA007", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Alpha = -1)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA007", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Alpha = double.NaN)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA008", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Dropout = 1)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA008", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Dropout = float.NaN)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA009", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] static Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA010", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA010", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { M? inner; FORWARD }")]
    [InlineData("LORA011", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { List<M> inner = new(); FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear Up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Name = \"1\")] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Name = \"Same\")] Linear a = Linear(4, 4), b = Linear(4, 4); FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Name = \"Project\")] Linear Save = Linear(4, 4); FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); M? Config; FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD public void Merge(Adapter adapter) { } }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : B { [LoraTarget(Name = \"Own\")] Linear up = Linear(4, 4); } [LoraModel] partial class B() : Module<Tensor, Tensor>(\"B\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : B { [LoraTarget] Linear up = Linear(4, 4); } [LoraModel] partial class B() : Module<Tensor, Tensor>(\"B\") { [LoraTarget] Linear down = Linear(4, 4); FORWARD public int Attach; }")]
    [InlineData("LORA014", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); [ComponentName(Name = \"up\")] Linear down = Linear(4, 4); FORWARD }")]
    [InlineData("LORA014", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget, ComponentName(Name = \"a.b\")] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA017", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Slices = 3, Trained = [0])] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA018", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Init = LoraInit.Pissa)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA018", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Init = LoraInit.Pissa)] Embedding up = Embedding(4, 4); FORWARD }")]
    [InlineData("LORA023", "[LoraModel(ModulesToSave = [\"down\"])] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }")]
    public async Task An_invalid_class_gets_an_error_and_code_all_the_same(string id, string source)
    {
        var run = Run(source);
        Assert.Contains("M.g.cs", run.Files.Keys);
        Assert.DoesNotContain(run.Complaints, complaint => complaint.Severity == DiagnosticSeverity.Error || complaint.Location.SourceTree!.FilePath.EndsWith(".g.cs", StringComparison.Ordinal));
        Assert.Equal([id], (await Analysis.Of(run)).Select(diagnostic => diagnostic.Id).Distinct());
    }

    // The error comes from the generator, so that the compiler's own cannot hide it.
    [Theory]
    [InlineData("[LoraModel] class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }", "CS0426")]
    [InlineData("class Closed { [LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD } static void Train(M.Adapter adapter) { } }", "CS0426")]
    [InlineData("[LoraModel] file partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }", "CS0426", "CS9051")]
    public async Task A_class_that_is_not_partial_gets_an_error_and_no_code(string source, params string[] complaints)
    {
        var run = Run(source);
        Assert.Empty(run.Files);
        Assert.Equal(complaints, run.Output.GetDeclarationDiagnostics(TestContext.Current.CancellationToken).Where(error => error.Severity == DiagnosticSeverity.Error).Select(error => error.Id).Distinct().Order());
        Assert.Equal(["LORA001"], run.Diagnostics.Select(diagnostic => diagnostic.Id));
        Assert.Equal(["LORA001"], (await Analysis.Of(run)).Select(diagnostic => diagnostic.Id));
    }

    // What derives from it has no base for its adapter, which signatures name all the same.
    [Fact]
    public async Task A_class_whose_base_is_not_partial_gets_an_empty_adapter()
    {
        var run = Run("[LoraModel] class B() : Module<Tensor, Tensor>(\"B\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD } [LoraModel] partial class M : B { [LoraTarget] Linear down = Linear(4, 4); }");
        Assert.Equal(["M.g.cs"], run.Files.Keys);
        Assert.Empty(run.Complaints);
        Assert.Equal(["LORA001"], (await Analysis.Of(run)).Select(diagnostic => diagnostic.Id));
    }

    // There is no room for an adapter, so the compiler may have an error of its own where a signature names it.
    [Theory]
    [InlineData("LORA013", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD void Adapter() { } }")]
    [InlineData("LORA013", "[LoraModel] partial class M<Adapter>() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class Adapter() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }")]
    public async Task A_class_whose_own_member_is_called_Adapter_gets_an_error_and_no_code(string id, string source)
    {
        var run = GeneratorRun.Of(source.Replace("FORWARD", Forward, StringComparison.Ordinal));
        Assert.Empty(run.Files);
        Assert.DoesNotContain(run.Complaints, complaint => complaint.Severity == DiagnosticSeverity.Error);
        Assert.Equal([id], (await Analysis.Of(run)).Select(diagnostic => diagnostic.Id));
    }

    // A static class can have no adapter that takes it, so its signatures cannot name the class itself.
    [Fact]
    public async Task A_static_class_gets_an_empty_adapter()
    {
        var run = GeneratorRun.Of("[LoraModel] static partial class M { [LoraTarget] static Linear? up; static M.Adapter? kept; }");
        Assert.Equal(["M.g.cs"], run.Files.Keys);
        Assert.Empty(run.Complaints);
        Assert.Equal(["LORA006", "LORA009"], (await Analysis.Of(run)).Select(diagnostic => diagnostic.Id).Order());
    }

    [Fact]
    public async Task A_valid_class_gets_code_and_no_error()
    {
        var run = GeneratorRun.Of(HalfTypedCodeTests.Sample);
        Assert.Equal(["Sample.Attention.g.cs", "Sample.Block.g.cs", "Sample.Gated.g.cs", "Sample.Gpt.g.cs"], run.Files.Keys.Order());
        Assert.Empty(run.Complaints);
        Assert.Empty(await Analysis.Of(run));
    }

    private static GeneratorRun Run(string source) => GeneratorRun.Of($"{source.Replace("FORWARD", Forward, StringComparison.Ordinal)} {(source.Contains("Closed", StringComparison.Ordinal) ? "" : Signature)}");
}
