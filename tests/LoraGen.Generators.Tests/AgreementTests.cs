using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Tests;

/// <summary>The generator and the analyzers agree: a class without generated code has an error, and one with it has none.</summary>
public sealed class AgreementTests
{
    [Theory]
    [InlineData("LORA001", "[LoraModel] class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA001", "class Outer { [LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD } }")]
    [InlineData("LORA001", "[LoraModel] file partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA002", "partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA003", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] LayerNorm up = LayerNorm(4); FORWARD }")]
    [InlineData("LORA003", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [field: LoraTarget] Linear up { get; } = Linear(4, 4); FORWARD }")]
    [InlineData("LORA004", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Rank = 0)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA006", "[LoraModel] partial class M { [LoraTarget] Linear up = Linear(4, 4); }")]
    [InlineData("LORA006", "[LoraModel] partial record M { [LoraTarget] Linear up = Linear(4, 4); }")]
    [InlineData("LORA007", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Alpha = -1)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA008", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget(Dropout = 1)] Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA009", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] static Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA013", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear Up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA014", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { [LoraTarget] Linear up = Linear(4, 4); [ComponentName(Name = \"up\")] Linear down = Linear(4, 4); FORWARD }")]
    public async Task An_invalid_class_gets_an_error_and_no_code(string id, string source)
    {
        var run = GeneratorRun.Of(source.Replace("FORWARD", "public override Tensor forward(Tensor x) => x;", StringComparison.Ordinal));
        Assert.Empty(run.Files);
        Assert.DoesNotContain(run.Complaints, complaint => complaint.Severity == DiagnosticSeverity.Error);
        Assert.Equal([id], (await Analysis.Of(run)).Select(diagnostic => diagnostic.Id));
    }

    // It is sound by itself; what is missing lies in its fields, or in classes below it.
    [Theory]
    [InlineData("LORA010", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { Linear up = Linear(4, 4); FORWARD }")]
    [InlineData("LORA010", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { M? inner; FORWARD }")]
    [InlineData("LORA011", "[LoraModel] partial class M() : Module<Tensor, Tensor>(\"M\") { List<M> inner = new(); FORWARD }")]
    public async Task A_class_with_nothing_to_adapt_gets_an_error_and_code_all_the_same(string id, string source)
    {
        var run = GeneratorRun.Of(source.Replace("FORWARD", "public override Tensor forward(Tensor x) => x;", StringComparison.Ordinal));
        Assert.Equal(["M.g.cs"], run.Files.Keys);
        Assert.Empty(run.Complaints);
        Assert.Equal([id], (await Analysis.Of(run)).Select(diagnostic => diagnostic.Id));
    }

    [Fact]
    public async Task A_valid_class_gets_code_and_no_error()
    {
        var run = GeneratorRun.Of(HalfTypedCodeTests.Sample);
        Assert.Equal(["Sample.Attention.g.cs", "Sample.Block.g.cs", "Sample.Gated.g.cs", "Sample.Gpt.g.cs"], run.Files.Keys.Order());
        Assert.Empty(run.Complaints);
        Assert.Empty(await Analysis.Of(run));
    }
}
