using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;
using static Microsoft.CodeAnalysis.IncrementalStepRunReason;

namespace LoraGen.Generators.Tests;

/// <summary>What an edit makes the generator do again.</summary>
public sealed class IncrementalityTests
{
    private const string Mlp = """
        [LoraModel]
        public sealed partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget(Rank = 4)] private readonly Linear up = Linear(4, 4);
            public override Tensor forward(Tensor x) => Up(x);
        }
        """;

    private const string Gpt = """
        [LoraModel]
        public sealed partial class Gpt() : Module<Tensor, Tensor>("Gpt")
        {
            private readonly ModuleList<Mlp> h = ModuleList<Mlp>();
            public override Tensor forward(Tensor x) => x;
        }
        """;

    [Fact]
    public void An_edit_in_an_unrelated_file_does_nothing()
    {
        var run = new IncrementalRun(Mlp, "class Other { int x = 1; }").Edit(1, "class Other { int x = 2; }");
        Assert.Equal([Cached], run.Models);
        Assert.Equal([Cached], run.Outputs);
    }

    [Fact]
    public void A_comment_in_the_class_does_not_write_it_again()
    {
        var run = new IncrementalRun(Mlp).Edit(0, Mlp.Replace("public override", "/* why */ public override", StringComparison.Ordinal));
        Assert.Equal([Cached], run.Models);
        Assert.Equal([Cached], run.Outputs);
    }

    [Fact]
    public void Another_method_body_does_not_write_it_again()
    {
        var run = new IncrementalRun(Mlp).Edit(0, Mlp.Replace("Up(x)", "Up(x).relu()", StringComparison.Ordinal));
        Assert.Equal([Cached], run.Models);
        Assert.Equal([Cached], run.Outputs);
    }

    [Fact]
    public void Another_rank_writes_the_class_again_and_not_its_parent()
    {
        var run = new IncrementalRun(Mlp, Gpt).Edit(0, Mlp.Replace("Rank = 4", "Rank = 5", StringComparison.Ordinal));
        Assert.Equal([Modified, Cached], run.Models);
        Assert.Equal([Modified, Cached], run.Outputs);
    }

    [Fact]
    public void A_second_class_leaves_the_first_alone()
    {
        var run = new IncrementalRun(Mlp, "").Edit(1, Gpt);
        Assert.Equal([Cached, New], run.Models);
        Assert.Equal([Cached, New], run.Outputs);
    }

    [Fact]
    public void A_child_that_becomes_invalid_writes_its_parent_again()
    {
        var parent = Gpt.Replace("private", "[LoraTarget] private readonly Linear head = Linear(4, 4); private", StringComparison.Ordinal);
        var run = new IncrementalRun(Mlp, parent).Edit(0, Mlp.Replace("Rank = 4", "Rank = 0", StringComparison.Ordinal));
        Assert.Equal([Removed, Modified], run.Models);
        Assert.Equal([Removed, Modified], run.Outputs);
    }

    [Fact]
    public void No_step_holds_on_to_a_compilation()
    {
        var values = new IncrementalRun(Mlp, Gpt).ModelValues;
        Assert.Equal(2, values.Count);
        Assert.DoesNotContain(values.SelectMany(ObjectGraph.From), node => node is ISymbol or SyntaxNode or Compilation or Location or SemanticModel or AttributeData);
    }

    [Fact]
    public void The_walk_over_a_step_finds_a_compilation_however_deep()
    {
        Compilation hidden = TestCompilation.Create(Mlp);
        Assert.Contains(hidden, ObjectGraph.From(new { List = new[] { (1, (object)hidden) } }));
    }
}
