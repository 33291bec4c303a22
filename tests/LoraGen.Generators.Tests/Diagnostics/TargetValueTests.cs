using LoraGen.CodeFixes;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA004, LORA007, LORA008 and LORA024: the values in [LoraTarget].</summary>
public sealed class TargetValueTests
{
    [Fact]
    public Task A_rank_below_1_is_found()
        => Rule<RankAnalyzer>.Says("The rank must be at least 1, not '0'", Model("[LoraTarget(Rank = {|#0:0|})] private readonly Linear up, down;"));

    [Fact]
    public Task A_rank_that_a_constant_gives_is_found()
        => Rule<RankAnalyzer>.Says("The rank must be at least 1, not '-R'", Model("const int R = 8; [LoraTarget(Rank = {|#0:-R|})] private readonly Linear up;"));

    [Fact]
    public Task A_rank_of_1_and_an_absent_one_are_not()
        => Rule<RankAnalyzer>.Finds(Model("[LoraTarget(Rank = 1)] private readonly Linear up; [LoraTarget(Alpha = 0)] private readonly Linear down;"));

    [Fact]
    public Task The_fix_sets_the_rank_to_8() => Rule<RankAnalyzer>.Fixes<SetRankCodeFix>(
        Model("[LoraTarget(Rank = [|0|], Alpha = 2)] private readonly Linear up, down; [LoraTarget( Rank = [|1 - 2|] )] private readonly Linear last;"),
        Model("[LoraTarget(Rank = 8, Alpha = 2)] private readonly Linear up, down; [LoraTarget( Rank = 8 )] private readonly Linear last;"),
        diagnostics: 2);

    [Theory]
    [InlineData("0")]
    [InlineData("-1.5")]
    [InlineData("double.NaN")]
    [InlineData("1 / 0d")]
    public Task An_alpha_that_is_not_a_positive_number_is_found(string alpha)
        => Rule<AlphaAnalyzer>.Says($"Alpha must be a number above 0, not '{alpha}'", Model($"[LoraTarget(Alpha = {{|#0:{alpha}|}})] private readonly Linear up;"));

    [Fact]
    public Task A_positive_alpha_is_not()
        => Rule<AlphaAnalyzer>.Finds(Model("[LoraTarget(Alpha = 1e-300)] private readonly Linear up; [LoraTarget(Rank = 0)] private readonly Linear down;"));

    [Theory]
    [InlineData("1")]
    [InlineData("-0.1")]
    [InlineData("double.NaN")]
    public Task A_dropout_outside_0_to_1_is_found(string dropout)
        => Rule<DropoutAnalyzer>.Says($"Dropout must be at least 0 and below 1, not '{dropout}'", Model($"[LoraTarget(Dropout = {{|#0:{dropout}|}})] private readonly Linear up;"));

    [Fact]
    public Task A_dropout_inside_0_to_1_is_not()
        => Rule<DropoutAnalyzer>.Finds(Model("[LoraTarget(Dropout = 0)] private readonly Linear up; [LoraTarget(Dropout = 0.999)] private readonly Linear down;"));

    [Fact]
    public Task A_dropout_on_an_embedding_is_found()
        => Rule<EmbeddingDropoutAnalyzer>.Says("Dropout '0.5 / 5' has no effect on an embedding", Model("[LoraTarget(Dropout = {|#0:0.5 / 5|})] private readonly Embedding wte, wpe;"));

    [Fact]
    public Task A_dropout_elsewhere_and_one_of_0_and_one_out_of_range_are_not()
        => Rule<EmbeddingDropoutAnalyzer>.Finds(Model("[LoraTarget(Dropout = 0.1)] private readonly Linear up; [LoraTarget(Dropout = 0)] private readonly Embedding wte; [LoraTarget(Dropout = 1)] private readonly Embedding wpe;"));

    private static string Model(string fields) => $$"""
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            {{fields}}
            public override Tensor forward(Tensor x) => x;
        }
        """;
}
