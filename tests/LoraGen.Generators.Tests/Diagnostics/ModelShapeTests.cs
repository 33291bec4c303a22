using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA006, LORA009 and LORA010.</summary>
public sealed class ModelShapeTests
{
    [Fact]
    public Task A_class_that_is_not_a_Module_is_found() => Rule<NotAModuleAnalyzer>.Says(
        "'Mlp' is a [LoraModel] and must derive from TorchSharp's Module",
        """
        [LoraModel]
        public partial class {|#0:Mlp|}
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
        }
        """);

    [Theory]
    [InlineData("public partial record", "record")]
    [InlineData("public partial record class", "record")]
    [InlineData("public static partial class", "static class")]
    public Task What_cannot_be_a_Module_is_told_so(string declaration, string kind) => Rule<NotAModuleAnalyzer>.Says(
        $"'Mlp' is a [LoraModel] and must be a class that derives from TorchSharp's Module, which a {kind} cannot",
        $$"""
        [LoraModel]
        {{declaration}} {|#0:Mlp|}
        {
            [LoraTarget] private static readonly Linear up = Linear(4, 8);
        }
        """);

    // CS0592: the attribute is for classes.
    [Theory]
    [InlineData("struct")]
    [InlineData("record struct")]
    [InlineData("interface")]
    public async Task Where_the_compiler_refuses_the_attribute_no_rule_adds_to_it(string kind)
    {
        var run = GeneratorRun.Of($"[LoraModel] public {kind} Mlp {{ }}");
        Assert.Equal(["CS0592"], run.Complaints.Select(complaint => complaint.Id));
        Assert.Empty(run.Files);
        Assert.Empty(await Analysis.Of(run));
    }

    [Fact]
    public Task Someone_elses_Module_is_found() => Rule<NotAModuleAnalyzer>.Finds("""
        namespace Mine
        {
            public class Module;

            [LoraModel]
            public partial class [|Mlp|] : Module
            {
                [LoraTarget] private readonly Linear up = Linear(4, 8);
            }
        }
        """);

    [Fact]
    public Task A_class_that_derives_from_Module_at_any_distance_is_not() => Rule<NotAModuleAnalyzer>.Finds("""
        [LoraModel]
        public partial class Untyped() : Module("Untyped")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
        }

        public abstract class Layer(string name) : Module<Tensor, Tensor>(name);

        [LoraModel]
        public partial class Mlp() : Layer("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => Up(x);
        }
        """);

    [Fact]
    public Task A_static_target_is_found() => Rule<StaticTargetAnalyzer>.Says(
        "'shared' is a [LoraTarget] and must not be static",
        """
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private static readonly Linear {|#0:shared|} = Linear(4, 8);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public Task An_instance_target_beside_a_static_field_is_not() => Rule<StaticTargetAnalyzer>.Finds("""
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            private static readonly Linear shared = Linear(4, 8);
            public override Tensor forward(Tensor x) => shared.call(Up(x));
        }
        """);

    [Fact]
    public Task A_model_without_targets_is_found() => Rule<NothingToAdaptAnalyzer>.Says(
        "'Mlp' is a [LoraModel] but has nothing to adapt: mark a 'Linear' field with [LoraTarget], or hold a child that has one",
        """
        [LoraModel]
        public partial class {|#0:Mlp|}() : Module<Tensor, Tensor>("Mlp")
        {
            private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => up.call(x);
        }
        """);

    [Fact]
    public Task Models_that_only_hold_each_other_are_found() => Rule<NothingToAdaptAnalyzer>.Finds("""
        [LoraModel]
        public partial class [|Tree|]() : Module<Tensor, Tensor>("Tree")
        {
            private readonly ModuleList<Tree> branches = ModuleList<Tree>();
            private readonly Leaf leaf = new();
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class [|Leaf|]() : Module<Tensor, Tensor>("Leaf")
        {
            private readonly Tree? tree;
            public override Tensor forward(Tensor x) => tree is null ? x : tree.call(x);
        }
        """);

    [Fact]
    public Task A_target_anywhere_below_is_enough() => Rule<NothingToAdaptAnalyzer>.Finds("""
        [LoraModel]
        public partial class Top() : Module<Tensor, Tensor>("Top")
        {
            private readonly ModuleList<Middle> layers = ModuleList<Middle>();
            public override Tensor forward(Tensor x) => x;
        }

        [LoraModel]
        public partial class Middle() : Module<Tensor, Tensor>("Middle")
        {
            private readonly Middle? next;
            private readonly Bottom bottom = new();
            public override Tensor forward(Tensor x) => next is null ? bottom.call(x) : next.call(x);
        }

        [LoraModel]
        public partial class Bottom() : Module<Tensor, Tensor>("Bottom")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            public override Tensor forward(Tensor x) => Up(x);
        }
        """);

    // LORA011 names the child.
    [Theory]
    [InlineData("private readonly Module<Tensor, Tensor> inner = new Block();", true)]
    [InlineData("private readonly List<Block> inner = [];", true)]
    [InlineData("public Holder(bool b) : this() => register_module(\"inner\", new Block());", true)]
    [InlineData("private class Other() : Module(\"Other\") { private readonly Module inner = new Block(); }", false)]
    public Task A_child_that_the_adapter_cannot_follow_may_have_one(string member, bool hasChild) => Rule<NothingToAdaptAnalyzer>.Finds($$"""
        [LoraModel]
        public partial class {{(hasChild ? "Holder" : "[|Holder|]")}}() : Module<Tensor, Tensor>("Holder")
        {
            public override Tensor forward(Tensor x) => x;
            {{member}}
        }

        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            public override Tensor forward(Tensor x) => Up(x);
        }
        """);
}
