using System.Runtime.CompilerServices;
using LoraGen.Generators.Semantics;
using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;
using static Microsoft.CodeAnalysis.IncrementalStepRunReason;

namespace LoraGen.Generators.Tests;

/// <summary>What an edit makes the generator do again, step by step.</summary>
public sealed class IncrementalityTests
{
    private const string Mlp = """
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
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

    private const string Wide = """
        [LoraModel]
        public sealed partial class Wide : Mlp
        {
            [LoraTarget] private readonly Linear down = Linear(4, 4);
        }
        """;

    [Fact]
    public void An_edit_in_an_unrelated_file_does_nothing()
    {
        var run = new IncrementalRun(Mlp, "class Other { int x = 1; }").Edit(1, "class Other { int x = 2; }");
        Assert.Equal([Cached], run.Models);
        Assert.Equal([Cached], run.Outputs);
    }

    // What a class means may lie in any file, so Roslyn runs the transform of ForAttributeWithMetadataName again after every edit:
    // Unchanged is computed again and found equal, Cached is not computed.
    [Fact]
    public void An_edit_in_an_unrelated_file_has_each_class_read_again_and_stops_there()
    {
        var run = new IncrementalRun(Mlp, Gpt, "class Other { int x = 1; }").Edit(2, "class Other { int x = 2; }");
        Assert.Equal([Unchanged, Unchanged], run.Gathered);
        Assert.Equal([Cached, Cached], run.Models);
        Assert.Equal([Cached, Cached], run.Outputs);
    }

    [Fact]
    public void The_same_compilation_again_reads_nothing()
    {
        var run = new IncrementalRun(Mlp, Gpt).Edit(compilation => compilation);
        Assert.Equal([Cached, Cached], run.Gathered);
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
    public void A_field_that_is_no_component_does_not_write_it_again()
    {
        var run = new IncrementalRun(Mlp).Edit(0, Mlp.Replace("public override", "private int calls; public override", StringComparison.Ordinal));
        Assert.Equal([Cached], run.Models);
        Assert.Equal([Cached], run.Outputs);
    }

    [Fact]
    public void Another_rank_writes_the_class_again_and_neither_its_parent_nor_what_derives_from_it()
    {
        var run = new IncrementalRun(Mlp, Gpt, Wide).Edit(0, Mlp.Replace("Rank = 4", "Rank = 5", StringComparison.Ordinal));
        Assert.Equal([Modified, Cached, Cached], run.Models);
        Assert.Equal([Modified, Cached, Cached], run.Outputs);
    }

    [Fact]
    public void A_new_target_writes_the_class_again_and_neither_its_parent_nor_what_derives_from_it()
    {
        var run = new IncrementalRun(Mlp, Gpt, Wide).Edit(0, Mlp.Replace("public override", "[LoraTarget] private readonly Linear gate = Linear(4, 4); public override", StringComparison.Ordinal));
        Assert.Equal([Modified, Cached, Cached], run.Models);
        Assert.Equal([Modified, Cached, Cached], run.Outputs);
    }

    [Fact]
    public void A_second_class_leaves_the_first_alone()
    {
        var run = new IncrementalRun(Mlp, "").Edit(1, Gpt);
        Assert.Equal([Cached, New], run.Models);
        Assert.Equal([Cached, New], run.Outputs);
    }

    [Fact]
    public void A_class_that_goes_takes_its_file_with_it_and_leaves_the_others_alone()
    {
        var run = new IncrementalRun(Mlp, Gpt).Edit(1, "");
        Assert.Equal([Cached, Removed], run.Models);
        Assert.Equal([Cached, Removed], run.Outputs);
        Assert.Equal(["Mlp.g.cs"], run.Files);
    }

    [Fact]
    public void A_child_that_no_code_can_be_written_for_writes_its_parent_again()
    {
        var parent = Gpt.Replace("private", "[LoraTarget] private readonly Linear head = Linear(4, 4); private", StringComparison.Ordinal);
        var run = new IncrementalRun(Mlp, parent).Edit(0, Mlp.Replace("partial", "", StringComparison.Ordinal));
        Assert.Equal([Removed, Modified], run.Models);

        // The third is the error.
        Assert.Equal([Removed, Modified, New], run.Outputs);
    }

    [Fact]
    public void A_base_type_in_another_file_that_becomes_a_model_writes_what_derives_from_it_again()
    {
        var plain = Mlp.Replace("[LoraModel]", "", StringComparison.Ordinal).Replace("[LoraTarget(Rank = 4)]", "", StringComparison.Ordinal);
        var run = new IncrementalRun(Wide, Gpt.Replace("Mlp", "Wide", StringComparison.Ordinal), plain).Edit(2, Mlp);
        Assert.Equal([Modified, Cached, New], run.Models);
        Assert.Equal([Modified, Cached, New], run.Outputs);
    }

    [Fact]
    public void A_rank_that_becomes_invalid_writes_neither_its_parent_again_nor_what_derives_from_it()
    {
        var run = new IncrementalRun(Mlp, Gpt, Wide).Edit(0, Mlp.Replace("Rank = 4", "Rank = 0", StringComparison.Ordinal));
        Assert.Equal([Modified, Cached, Cached], run.Models);
        Assert.Equal([Modified, Cached, Cached], run.Outputs);
    }

    [Fact]
    public void A_base_type_in_another_file_that_no_code_can_be_written_for_leaves_what_derives_from_it_an_empty_adapter()
    {
        var run = new IncrementalRun(Mlp, Wide).Edit(0, Mlp.Replace("partial", "", StringComparison.Ordinal));
        Assert.Equal([Removed, Modified], run.Models);
        Assert.Equal(["Wide.g.cs"], run.Files);
    }

    [Fact]
    public void A_class_that_is_not_partial_is_reported_where_it_is_now_and_holds_on_to_nothing()
    {
        var open = Mlp.Replace("partial", "", StringComparison.Ordinal);
        var run = new IncrementalRun(open, Gpt);
        Assert.Equal(9, Line(run));
        Assert.DoesNotContain(run.GatheredValues.SelectMany(ObjectGraph.From), HoldsACompilation);

        run = run.Edit(0, "// One line more.\n" + open);
        Assert.Equal(10, Line(run));
        Assert.Equal([Cached], run.Models);

        static int Line(IncrementalRun run) => Assert.Single(run.Diagnostics).Location.GetLineSpan().StartLinePosition.Line;
    }

    [Fact]
    public void Another_method_in_a_base_type_in_another_file_does_nothing()
    {
        var run = new IncrementalRun(Mlp, Wide).Edit(0, Mlp.Replace("public override", "public int Calls() => 0; public override", StringComparison.Ordinal));
        Assert.Equal([Cached, Cached], run.Models);
        Assert.Equal([Cached, Cached], run.Outputs);
    }

    [Fact]
    public void A_reference_that_is_added_does_nothing()
    {
        var run = new IncrementalRun(Mlp, Gpt).Edit(compilation => compilation.AddReferences(Reference("public class Unrelated;")));
        Assert.Equal([Cached, Cached], run.Models);
        Assert.Equal([Cached, Cached], run.Outputs);
    }

    [Fact]
    public void A_reference_whose_child_changes_writes_its_parent_again_only_where_the_change_is_seen()
    {
        var (first, retrained, plain) = (
            Reference(Mlp),
            Reference(Mlp.Replace("Rank = 4", "Rank = 5", StringComparison.Ordinal)),
            Reference(Mlp.Replace("[LoraModel]", "", StringComparison.Ordinal).Replace("[LoraTarget(Rank = 4)]", "", StringComparison.Ordinal).Replace("Up(x)", "x", StringComparison.Ordinal)));
        var run = new IncrementalRun(TestCompilation.Create(Gpt).AddReferences(first));

        run = run.Edit(compilation => compilation.ReplaceReference(first, retrained));
        Assert.Equal([Cached], run.Models);
        Assert.Equal([Cached], run.Outputs);

        run = run.Edit(compilation => compilation.ReplaceReference(retrained, plain));
        Assert.Equal([Modified], run.Models);
        Assert.Equal([Modified], run.Outputs);
    }

    [Fact]
    public void A_run_that_is_cancelled_ends_with_that_and_the_next_one_is_whole()
    {
        var run = new IncrementalRun(Mlp, Gpt, Wide);
        Assert.ThrowsAny<OperationCanceledException>(run.RunCancelled);
        Assert.Equal(["Gpt.g.cs", "Mlp.g.cs", "Wide.g.cs"], run.Edit(compilation => compilation.Clone()).Files.Order());
    }

    [Fact]
    public void The_look_at_children_and_base_classes_is_cancelled()
    {
        var compilation = TestCompilation.Create(Mlp, Gpt, Wide);
        Assert.Single(Of("Gpt", canceled: false).AdaptedChildren);
        Assert.True(Of("Wide", canceled: false).IsGenerated);
        Assert.ThrowsAny<OperationCanceledException>(() => Of("Gpt", canceled: true).AdaptedChildren.Count());
        Assert.ThrowsAny<OperationCanceledException>(() => Of("Wide", canceled: true).IsGenerated);

        LoraModelClass Of(string name, bool canceled) => new(compilation.GetTypeByMetadataName(name)!, new CancellationToken(canceled));
    }

    [Fact]
    public void No_step_holds_on_to_a_compilation()
    {
        var values = new IncrementalRun(Mlp, Gpt, Wide).ModelValues;
        Assert.Equal(3, values.Count);
        Assert.DoesNotContain(values.SelectMany(ObjectGraph.From), HoldsACompilation);
    }

    // An editor makes a compilation per keystroke: what is remembered of its symbols must go with it.
    [Fact]
    public void Nothing_holds_on_to_a_compilation_after_its_run()
    {
        var compilation = RunOnce();
        GC.Collect();
        Assert.False(compilation.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference RunOnce()
        {
            var compilation = TestCompilation.Create(Mlp, Gpt, Wide);
            Assert.Equal(3, GeneratorRun.Of(compilation).Files.Count);
            return new WeakReference(compilation);
        }
    }

    [Fact]
    public void The_walk_over_a_step_finds_a_compilation_however_deep()
    {
        Compilation hidden = TestCompilation.Create(Mlp);
        Assert.Contains(hidden, ObjectGraph.From(new { List = new[] { (1, (object)hidden) } }));
    }

    private static bool HoldsACompilation(object node)
        => node is ISymbol or SyntaxNode or SyntaxTree or Compilation or Location or SemanticModel or AttributeData;

    private static MetadataReference Reference(string source)
    {
        using var image = new MemoryStream();
        var emitted = GeneratorRun.Of(source).Output.WithAssemblyName("Library").Emit(image, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(emitted.Success);
        return MetadataReference.CreateFromImage(image.ToArray());
    }
}
