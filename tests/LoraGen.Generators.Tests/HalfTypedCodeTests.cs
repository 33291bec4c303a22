using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>The generator and the analyzers run at every keystroke, on code that does not compile yet.</summary>
public sealed class HalfTypedCodeTests
{
    public const string Sample = """
        namespace Sample;

        [LoraModel]
        public sealed partial class Attention() : Module<Tensor, Tensor>("Attention")
        {
            [ComponentName(Name = "c_attn"), LoraTarget(Rank = 4, Alpha = 16, Dropout = 0.1, Name = "Query")]
            private readonly Linear q_proj = Linear(4, 4);

            [LoraTarget] private readonly Linear k_proj = Linear(4, 4), v_proj = Linear(4, 4);

            public override Tensor forward(Tensor x) => Query(x) + KProj(x) + VProj(x) * v_proj.weight!;
        }

        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block")
        {
            private readonly Attention attn = new();
            private readonly Attention? cross;

            public override Tensor forward(Tensor x) => cross?.call(x) ?? attn.call(x);
        }

        [LoraModel]
        public partial class Gpt : Module<Tensor, Tensor>
        {
            private readonly ModuleList<Block> h = ModuleList(new Block());
            [LoraTarget] private readonly Linear head = Linear(4, 4);

            public Gpt() : base("Gpt") => RegisterComponents();

            public override Tensor forward(Tensor x) => Head(h[0].call(x));
        }
        """;

    [Fact]
    public async Task Nothing_throws_wherever_the_user_stopped_typing()
    {
        for (var length = 0; length < Sample.Length; length += 29)
        {
            await Analysis.Of(GeneratorRun.Of(Sample[..length]));
        }
    }

    [Fact]
    public async Task Nothing_throws_whichever_word_is_missing()
    {
        for (var start = 0; start < Sample.Length; start += 31)
        {
            await Analysis.Of(GeneratorRun.Of(Sample.Remove(start, Math.Min(9, Sample.Length - start))));
        }
    }

    [Theory]
    [InlineData("[LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget(Rank = \"8\", Alpha = null, Dropout = x, Name = 3)] Linear up; }")]
    [InlineData("[LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget(8)] Linear up; [LoraTarget(Rank)] Linear down; [LoraTarget(Rank = )] Linear gate; }")]
    [InlineData("[LoraModel, LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget, LoraTarget] Linear up, up; }")]
    [InlineData("[LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget] Linear up; } [LoraModel] partial class M { [LoraTarget] Linear down; }")]
    [InlineData("[LoraModel] partial class M : M { ModuleList<> a; ModuleList<M, M> b; ModuleList<Missing> c; Missing d; [LoraTarget] Missing e; [LoraTarget] f; }")]
    [InlineData("[LoraModel] partial class : Module { [LoraTarget] Linear; }")]
    [InlineData("[LoraModel] [LoraTarget] void M() { } [LoraTarget] Linear up;")]
    public async Task Nothing_throws_on_nonsense(string source) => await Analysis.Of(GeneratorRun.Of(source));

    [Fact]
    public void An_attribute_on_two_parts_does_not_add_the_file_twice() => Assert.Equal(
        ["M.g.cs"],
        GeneratorRun.Of(
            "[LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget] Linear up; }",
            "[LoraModel] partial class M { [LoraTarget] Linear down; }").Files.Keys);
}
