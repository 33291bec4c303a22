using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA025: dropouts that differ within a model, and DoRA or a bias of B at some of its projections.</summary>
public sealed class SharedOptionTests
{
    private const string Child = """
        [LoraModel]
        public partial class Child() : Module<Tensor, Tensor>("Child")
        {
            [LoraTarget(Dropout = 0.1)] private readonly Linear inner;
            public override Tensor forward(Tensor x) => x;
        }
        """;

    [Fact]
    public Task Two_dropouts_are_found() => Rule<SharedOptionAnalyzer>.Says(
        "'up' has Dropout = 0.1 and 'down' has 0.25, and an adapter of 'Model' has one for all: without a LoraConfig that says which, CreateAdapter refuses it",
        Model("[LoraTarget(Dropout = 0.1)] private readonly Linear up; [LoraTarget(Dropout = {|#0:1 / 4d|})] private readonly Conv1D down;"));

    [Fact]
    public Task A_dropout_that_is_left_out_is_0() => Rule<SharedOptionAnalyzer>.Finds(
        Model("[LoraTarget(Dropout = 0.1)] private readonly Linear up; [LoraTarget] private readonly Linear [|down|]; [LoraTarget] private readonly Linear last;"));

    [Fact]
    public Task DoRA_at_some_is_found() => Rule<SharedOptionAnalyzer>.Says(
        "'up' has UseDora = false and 'wte' has true, and an adapter of 'Model' has one for all: without a LoraConfig that says which, CreateAdapter refuses it",
        Model("[LoraTarget] private readonly Linear up; [LoraTarget(UseDora = {|#0:true|})] private readonly Embedding wte;"));

    [Fact]
    public Task A_bias_of_B_at_some_is_found() => Rule<SharedOptionAnalyzer>.Says(
        "'up' has LoraBias = true and 'patch' has false, and an adapter of 'Model' has one for all: without a LoraConfig that says which, CreateAdapter refuses it",
        Model("[LoraTarget(LoraBias = true)] private readonly Linear up; [LoraTarget] private readonly Conv2d {|#0:patch|};"));

    // As in PEFT, an embedding's B has no bias, and no other B of the adapter may have one then.
    [Fact]
    public Task An_embedding_counts_as_one_without_it() => Rule<SharedOptionAnalyzer>.Finds(
        Model("[LoraTarget(LoraBias = true)] private readonly Linear up; [LoraTarget] private readonly Embedding [|wte|];"));

    [Theory]
    [InlineData("[LoraTarget(LoraBias = true)] private readonly Linear up; [LoraTarget(LoraBias = true)] private readonly Conv1d patch;")]
    [InlineData("[LoraTarget(Dropout = 0.1)] private readonly Linear up, down; private readonly Child child;")]
    [InlineData("[LoraTarget(Dropout = 0.1)] private readonly Linear up; [LoraTarget] private readonly Embedding wte;")]
    [InlineData("[LoraTarget(Dropout = 0.1)] private readonly Linear up; [LoraTarget(ByDefault = false)] private readonly Linear head;")]
    [InlineData("[LoraTarget(Dropout = 0.1)] private readonly Linear up; [LoraTarget(Dropout = 2)] private readonly Linear down;")]
    [InlineData("[LoraTarget(Dropout = 0.1)] private readonly Linear up; [LoraTarget] private readonly LayerNorm norm;")]
    [InlineData("[LoraTarget(Rank = 2, Alpha = 3)] private readonly Linear up; [LoraTarget(Init = LoraInit.Gaussian)] private readonly Linear down;")]
    public Task What_agrees_or_does_not_count_is_not(string fields) => Rule<SharedOptionAnalyzer>.Finds(Model(fields) + Child);

    [Fact]
    public Task What_is_saved_whole_does_not_count() => Rule<SharedOptionAnalyzer>.Finds($$"""
        [LoraModel(ModulesToSave = ["head", "child"])]
        public partial class Model() : Module<Tensor, Tensor>("Model")
        {
            [LoraTarget] private readonly Linear up;
            [LoraTarget(UseDora = true)] private readonly Linear head;
            private readonly Child child;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class Derived : Model;
        {{Child}}
        """);

    [Fact]
    public Task A_child_that_differs_is_found_once_at_the_class_that_brings_them_together() => Rule<SharedOptionAnalyzer>.Finds($$"""
        [LoraModel]
        public partial class Top() : Module<Tensor, Tensor>("Top")
        {
            private readonly ModuleList<Layer> layers;
            [LoraTarget(Dropout = 0.1)] private readonly Linear last;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class [|Layer|]() : Module<Tensor, Tensor>("Layer")
        {
            [LoraTarget(Dropout = 0.3)] private readonly Linear up;
            private readonly Child child;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class Wide : Layer;

        {{Child}}
        """);

    [Fact]
    public Task Classes_that_contain_each_other_both_bring_them_together() => Rule<SharedOptionAnalyzer>.Finds("""
        [LoraModel]
        public partial class [|Node|]() : Module<Tensor, Tensor>("Node")
        {
            [LoraTarget(Dropout = 0.1)] private readonly Linear up;
            private readonly Pair? pair;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class [|Pair|]() : Module<Tensor, Tensor>("Pair")
        {
            [LoraTarget(Dropout = 0.2)] private readonly Linear up;
            private readonly Node? node;
            public override Tensor forward(Tensor x) => x;
        }
        """);

    private static string Model(string fields) => $$"""
        [LoraModel]
        public partial class Model() : Module<Tensor, Tensor>("Model")
        {
            {{fields}}
            public override Tensor forward(Tensor x) => x;
        }

        """;
}
