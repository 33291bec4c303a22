using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Tests;

/// <summary>The generator and the analyzers run at every keystroke, on code that does not compile yet.</summary>
public sealed class HalfTypedCodeTests
{
    public const string Sample = """
        namespace Sample;

        [LoraModel]
        public partial class Attention() : Module<Tensor, Tensor>("Attention")
        {
            [ComponentName(Name = "c_attn"), LoraTarget(Rank = 4, Alpha = 16, Dropout = 0, Name = "Query")]
            private readonly Linear q_proj = Linear(4, 4);

            [LoraTarget] private readonly Linear k_proj = Linear(4, 4), v_proj = Linear(4, 4);

            public override Tensor forward(Tensor x) => Query(x) + KProj(x) + VProj(x) * v_proj.weight!;
        }

        [LoraModel]
        public sealed partial class Gated : Attention
        {
            [LoraTarget] private readonly Linear gate = Linear(4, 4);

            public override Tensor forward(Tensor x) => base.forward(x) * Gate(x);
        }

        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block")
        {
            private readonly Attention attn = new();
            private readonly Attention? cross;

            public override Tensor forward(Tensor x) => cross?.call(x) ?? attn.call(x);
        }

        [LoraModel(ModulesToSave = ["head"])]
        public partial class Gpt : Module<Tensor, Tensor>
        {
            private readonly ModuleList<Block> h = ModuleList(new Block());
            [LoraTarget] private readonly Linear head = Linear(4, 4);

            public Gpt() : base("Gpt") => RegisterComponents();

            public override Tensor forward(Tensor x) => Head(h[0].call(x));
        }
        """;

    // Each run is compiled and analyzed from scratch, as in an editor that has just opened the file.
    [Fact]
    public Task Nothing_throws_wherever_the_user_stopped_typing()
        => NothingThrows(Enumerable.Range(0, Sample.Length).Select(length => Sample[..length]));

    [Fact]
    public Task Nothing_throws_whichever_tokens_are_missing()
    {
        var tokens = CSharpSyntaxTree.ParseText(Sample, TestCompilation.ParseOptions, cancellationToken: TestContext.Current.CancellationToken).GetRoot(TestContext.Current.CancellationToken).DescendantTokens().ToList();
        var random = new Random(3);
        return NothingThrows(Enumerable.Range(0, 2_000).Select(_ => Without(tokens, random)));
    }

    [Theory]
    [InlineData("[LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget(Rank = \"8\", Alpha = null, Dropout = x, Name = 3)] Linear up; }")]
    [InlineData("[LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget(8)] Linear up; [LoraTarget(Rank)] Linear down; [LoraTarget(Rank = )] Linear gate; }")]
    [InlineData("[LoraModel, LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget, LoraTarget] Linear up, up; }")]
    [InlineData("[LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget] Linear up; } [LoraModel] partial class M { [LoraTarget] Linear down; }")]
    [InlineData("[LoraModel] partial class M : M { ModuleList<> a; ModuleList<M, M> b; ModuleList<Missing> c; Missing d; [LoraTarget] Missing e; [LoraTarget] f; }")]
    [InlineData("[LoraModel(ModulesToSave = [1, null, x, \"up..\", ..y, \"\"])] partial class M : Module<Tensor, Tensor> { [LoraTarget] Linear up = Linear(, 4); M m = new(; }")]
    [InlineData("[LoraModel(ModulesToSave = \"up\")] partial class M : Module<Tensor, Tensor> { [LoraTarget(Slices = 0, Trained = [0])] Linear up = Linear(\"4\", 4); }")]
    [InlineData("[LoraModel(ModulesToSave = new[] { \"a\", })] partial class M<T> : M<M<T>> { M<M<T>> m; [LoraTarget(Slices = 2, Trained = [0])] Conv1D up = new(4); }")]
    [InlineData("[LoraModel] partial class : Module { [LoraTarget] Linear; }")]
    [InlineData("[LoraModel] [LoraTarget] void M() { } [LoraTarget] Linear up;")]
    public async Task Nothing_throws_on_nonsense(string source) => await Analysis.Of(GeneratorRun.Of(source));

    [Fact]
    public void An_attribute_on_two_parts_does_not_add_the_file_twice() => Assert.Equal(
        ["M.g.cs"],
        GeneratorRun.Of(
            "[LoraModel] partial class M : Module<Tensor, Tensor> { [LoraTarget] Linear up; }",
            "[LoraModel] partial class M { [LoraTarget] Linear down; }").Files.Keys);

    // One token, or a few, since an edit seldom leaves a single gap.
    private static string Without(List<SyntaxToken> tokens, Random random)
    {
        var missing = Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(tokens.Count)).ToHashSet();
        return string.Concat(tokens.Where((_, index) => !missing.Contains(index)).Select(token => token.ToFullString()));
    }

    // GeneratorRun asserts that the generator did not throw (CS8785), Analysis that no analyzer did (AD0001).
    private static Task NothingThrows(IEnumerable<string> sources)
        => Parallel.ForEachAsync(sources, TestContext.Current.CancellationToken, async (source, _) => await Analysis.Of(GeneratorRun.Of(source)));
}
