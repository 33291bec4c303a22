using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA023: names in [LoraModel(ModulesToSave = …)] that an adapter cannot save.</summary>
public sealed class ModulesToSaveTests
{
    private const string Head = """
        [LoraModel]
        public partial class Head() : Module<Tensor, Tensor>("Head")
        {
            [LoraTarget] private readonly Linear dense;
            [LoraTarget, ComponentName(Name = "out.proj")] private readonly Linear odd;
            [LoraTarget, ComponentName(Name = "out_proj")] private readonly Linear outer;
            public override Tensor forward(Tensor x) => x;
        }
        """;

    [Theory]
    [InlineData("classifier")]
    [InlineData("fc")]
    [InlineData("classifier.dense")]
    [InlineData("dense")]
    [InlineData("out_proj")]
    [InlineData("heads")]
    [InlineData("heads.0")]
    [InlineData("heads.12.out_proj")]
    [InlineData("12.out_proj")]
    [InlineData("7")]
    [InlineData("optional")]
    public Task A_name_of_what_there_is_is_not_found(string name) => Rule<ModulesToSaveAnalyzer>.Finds(Model($"[\"{name}\"]"));

    [Theory]
    [InlineData("clasifier")]
    [InlineData("lassifier")]
    [InlineData("classifier.")]
    [InlineData("")]
    [InlineData("dense.weight")]
    [InlineData("outer")]
    [InlineData("classifier.fc")]
    [InlineData("classifier.0.dense")]
    [InlineData("heads.dense")]
    [InlineData("heads.-1.dense")]
    [InlineData("heads.first")]
    [InlineData("Model.fc")]
    [InlineData("norm")]
    [InlineData("*")]
    public Task A_name_of_nothing_is_found_with_what_there_is(string name) => Rule<ModulesToSaveAnalyzer>.Says(
        $"An adapter of 'Model' cannot save '{name}': no annotated projection and no [LoraModel] child has this name; there are [fc, classifier, heads, optional, dense, out.proj, out_proj]",
        Model($"[\"fc\", {{|#0:\"{name}\"|}}]"));

    [Theory]
    [InlineData("new[] { \"fc\", [|\"x\"|], \"dense\", [|\"y\"|] }")]
    [InlineData("new string[] { [|Name|] }")]
    [InlineData("new string[1] { [|\"x\" + \"y\"|] }")]
    [InlineData("[nameof(Model.classifier), [|nameof(Model)|]]")]
    [InlineData("[]")]
    [InlineData("null")]
    public Task Each_name_is_found_where_it_stands(string names) => Rule<ModulesToSaveAnalyzer>.Finds(Model(names));

    [Fact]
    public Task A_projection_that_is_not_annotated_is_found() => Rule<ModulesToSaveAnalyzer>.Says(
        "An adapter of 'Model' cannot save 'plain': it is not annotated; mark it with [LoraTarget(ByDefault = false)]",
        Model("[{|#0:\"plain\"|}]"));

    [Fact]
    public Task A_child_with_a_projection_that_is_not_annotated_is_found() => Rule<ModulesToSaveAnalyzer>.Says(
        "An adapter of 'Model' cannot save 'blocks': the weight of 'blocks.inner.mix' is not annotated; mark it with [LoraTarget(ByDefault = false)]",
        """
        [LoraModel(ModulesToSave = [{|#0:"blocks"|}, "norms"])]
        public partial class Model() : Module<Tensor, Tensor>("Model")
        {
            private readonly Block blocks;
            private readonly ModuleList<Normed> norms;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block")
        {
            private readonly Inner inner;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class Inner() : Module<Tensor, Tensor>("Inner")
        {
            [LoraTarget] private readonly Linear up;
            private readonly Linear mix;
            private readonly Block? next;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class Normed() : Module<Tensor, Tensor>("Normed")
        {
            [LoraTarget] private readonly Linear up;
            private readonly Linear? gate;
            private readonly LayerNorm norm;
            private static readonly Linear Shared;
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Theory]
    [InlineData("private readonly Open open;", "[LoraModel] public abstract partial class Open() : Module<Tensor, Tensor>(\"Open\") { [LoraTarget] private readonly Linear up; }")]
    [InlineData("private readonly Open open;", "[LoraModel] public partial class Open() : Module<Tensor, Tensor>(\"Open\") { [LoraTarget] private readonly Linear up; public override Tensor forward(Tensor x) => x; } [LoraModel] public partial class Wide : Open { [LoraTarget] private readonly Linear head; }")]
    [InlineData("private readonly Open<Head> open;", "[LoraModel] public partial class Open<T>() : Module<Tensor, Tensor>(\"Open\") where T : Head { private readonly T inner; public override Tensor forward(Tensor x) => x; }")]
    [InlineData("private readonly ModuleList<Special> open;", "public partial class Special : Head { }")]
    [InlineData("private readonly List<Head> open;", "")]
    [InlineData("private Head Open { get; }", "")]
    public Task Nothing_is_found_missing_where_more_may_be_there(string field, string others)
        => Rule<ModulesToSaveAnalyzer>.Finds(Model("[\"anything\", [|\"plain\"|]]", field) + others);

    [Fact]
    public Task Nothing_is_found_missing_in_an_abstract_class() => Rule<ModulesToSaveAnalyzer>.Finds($$"""
        [LoraModel(ModulesToSave = ["score"])]
        public abstract partial class Model() : Module<Tensor, Tensor>("Model")
        {
            [LoraTarget] private readonly Linear fc;
        }

        [LoraModel]
        public partial class Scored : Model
        {
            [LoraTarget(ByDefault = false)] private readonly Linear score;
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public Task What_base_classes_have_counts() => Rule<ModulesToSaveAnalyzer>.Finds($$"""
        [LoraModel]
        public partial class Model() : Module<Tensor, Tensor>("Model")
        {
            [LoraTarget] private readonly Linear fc;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel(ModulesToSave = ["score", "fc", [|"scores"|]])]
        public partial class Scored : Model
        {
            [LoraTarget(ByDefault = false)] private readonly Linear score;
        }
        """);

    [Fact]
    public Task Classes_that_contain_each_other_have_an_end() => Rule<ModulesToSaveAnalyzer>.Finds($$"""
        [LoraModel(ModulesToSave = ["pair.node.pair.node.nodes.3.pair.up", [|"pair.pair"|], [|"pair.node.node"|]])]
        public partial class Node() : Module<Tensor, Tensor>("Node")
        {
            private readonly Pair? pair;
            private readonly ModuleList<Node> nodes;
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class Pair() : Module<Tensor, Tensor>("Pair")
        {
            [LoraTarget] private readonly Linear up;
            private readonly Node node;
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public async Task A_child_or_a_base_class_of_another_assembly_may_have_more()
    {
        var library = GeneratorRun.Of(TestCompilation.Create(Head).WithAssemblyName("Library")).ToReference();
        foreach (var (field, derives) in new[] { ("private readonly Head head;", ": Module<Tensor, Tensor>"), ("", ": Head") })
        {
            var run = GeneratorRun.Of(TestCompilation.Create($$"""
                [LoraModel(ModulesToSave = ["anything", "plain"])]
                public sealed partial class Model {{derives}}
                {
                    [LoraTarget] private readonly Linear fc = Linear(4, 4);
                    private readonly Linear plain = Linear(4, 4);
                    {{field}}
                    public Model() {{(derives == ": Head" ? "" : ": base(\"Model\")")}} { }
                    public override Tensor forward(Tensor x) => Fc(x);
                }
                """).AddReferences(library));
            Assert.Equal(["'plain'"], (await Analysis.Of(run)).Where(found => found.Id == "LORA023").Select(found => found.GetMessage().Split(' ')[6].TrimEnd(':')));
        }
    }

    private static string Model(string names, string field = "") => $$"""
        [LoraModel(ModulesToSave = {{names}})]
        public partial class Model() : Module<Tensor, Tensor>("Model")
        {
            private const string Name = "clasifier";
            [LoraTarget] private readonly Linear fc;
            internal readonly Head classifier;
            private readonly ModuleList<Head> heads;
            private readonly Head? optional;
            private readonly Linear plain;
            private readonly LayerNorm norm;
            {{field}}
            public override Tensor forward(Tensor x) => x;
        }

        {{Head}}
        """;
}
