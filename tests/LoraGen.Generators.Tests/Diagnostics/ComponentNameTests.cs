using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA014.</summary>
public sealed class ComponentNameTests
{
    private const string Block = """
        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block")
        {
            [LoraTarget] private readonly Linear fc = Linear(4, 4);
            public override Tensor forward(Tensor x) => Fc(x);
        }

        """;

    [Fact]
    public Task Two_targets_with_one_name_are_found() => Rule<ComponentNameAnalyzer>.Says(
        "The component 'q_proj' cannot be registered: 'q_proj' and 'v_proj' both have this name, and TorchSharp registers one field per name",
        Model("[LoraTarget] private readonly Linear q_proj; [LoraTarget, ComponentName(Name = \"q_proj\")] private readonly Linear {|#0:v_proj|};"));

    // TorchSharp counts the names of all fields, whatever is in them.
    [Theory]
    [InlineData("[LoraTarget] private readonly Linear up; [ComponentName(Name = \"up\")] private readonly Linear [|down|];")]
    [InlineData("[ComponentName(Name = \"up\")] private readonly Linear down; [LoraTarget] private readonly Linear [|up|];")]
    [InlineData("[LoraTarget] private readonly Linear? up; [LoraTarget, ComponentName(Name = \"up\")] private readonly Linear? [|down|];")]
    [InlineData("[LoraTarget] private readonly Linear up; [ComponentName(Name = \"up\")] private readonly int [|size|];")]
    [InlineData("[LoraTarget] private readonly Linear up; [field: ComponentName(Name = \"up\")] private Linear [|Down|] { get; }")]
    [InlineData("private readonly Block block; [ComponentName(Name = \"block\")] private readonly LayerNorm [|norm|];")]
    [InlineData("private readonly ModuleList<Block> h; [ComponentName(Name = \"h\")] private readonly Block [|a|]; [ComponentName(Name = \"h\")] private readonly Block [|b|];")]
    public Task A_target_or_child_and_any_field_with_one_name_are_found(string fields) => Rule<ComponentNameAnalyzer>.Finds(Block + Model(fields));

    [Fact]
    public Task A_field_that_hides_a_target_is_found() => Rule<ComponentNameAnalyzer>.Says(
        "The component 'up' cannot be registered: 'Wide.up' hides 'Mlp.up', and TorchSharp registers the derived class's field alone",
        Model("[LoraTarget] private readonly Linear up;") + """

        public class Wide : Mlp
        {
            private readonly Linear {|#0:up|} = Linear(4, 4);
        }
        """);

    [Fact]
    public Task What_a_derived_class_hides_or_doubles_is_found_there() => Rule<ComponentNameAnalyzer>.Finds("""
        public abstract class Layer() : Module<Tensor, Tensor>("Layer")
        {
            protected readonly Linear up = Linear(4, 4);
            private readonly LayerNorm norm = LayerNorm(4);
            [ComponentName(Name = "post_norm")] private readonly LayerNorm post = LayerNorm(4);
        }

        [LoraModel]
        public partial class Mlp : Layer
        {
            [LoraTarget] protected new readonly Linear [|up|] = Linear(4, 4);
            [LoraTarget] private readonly Linear [|norm|] = Linear(4, 4);
            [LoraTarget] private readonly Linear [|post_norm|] = Linear(4, 4);
            [LoraTarget] private readonly Linear down = Linear(4, 4);
            public override Tensor forward(Tensor x) => x;
        }

        public class Heir : Mlp
        {
            private readonly int own = 1;
            [ComponentName(Name = "down")] private readonly Linear [|another|] = Linear(4, 4);
            public int Own => own;
        }
        """);

    [Fact]
    public Task A_name_that_a_generic_base_class_has_is_found() => Rule<ComponentNameAnalyzer>.Finds("""
        public abstract class Layer<T>() : Module<T, Tensor>("Layer")
        {
            private readonly LayerNorm norm = LayerNorm(4);
        }

        [LoraModel]
        public partial class Mlp : Layer<Tensor>
        {
            [LoraTarget] private readonly Linear [|norm|] = Linear(4, 4);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Theory]
    [InlineData("", "TorchSharp refuses an empty name")]
    [InlineData("attn.q_proj", "TorchSharp refuses a name with a dot")]
    public Task A_name_that_TorchSharp_refuses_is_found(string name, string reason) => Rule<ComponentNameAnalyzer>.Says(
        $"The component '{name}' cannot be registered: {reason}",
        Model($"[LoraTarget, ComponentName(Name = \"{name}\")] private readonly Linear {{|#0:up|}};"));

    [Fact]
    public Task A_childs_name_that_TorchSharp_refuses_is_found() => Rule<ComponentNameAnalyzer>.Finds(
        Block + Model("[ComponentName(Name = \"model.h\")] private readonly ModuleList<Block> [|h|];"));

    [Fact]
    public Task Names_of_their_own_and_what_is_not_adapted_are_not() => Rule<ComponentNameAnalyzer>.Finds(Block + """
        public abstract class Layer() : Module<Tensor, Tensor>("Layer")
        {
            private readonly int up = 1;
            public int Up1 => up;
        }

        [LoraModel]
        public partial class Mlp : Layer
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            [LoraTarget, ComponentName(Name = "Up")] private readonly Linear other = Linear(4, 4);
            [LoraTarget, ComponentName] private readonly Linear plain = Linear(4, 4);
            [LoraTarget, ComponentName(Name = null!)] private readonly Linear nameless = Linear(4, 4);
            [ComponentName(Name = "up")] private static readonly Linear shared = Linear(4, 4);
            [ComponentName(Name = "a.b")] private readonly Linear dotted = Linear(4, 4);
            [ComponentName(Name = "norm")] private readonly LayerNorm norm1 = LayerNorm(4), norm2 = LayerNorm(4);
            public override Tensor forward(Tensor x) => shared.call(norm1.call(norm2.call(dotted.call(x))));
        }

        public class Plain() : Module<Tensor, Tensor>("Plain")
        {
            private readonly Linear up = Linear(4, 4);
            [ComponentName(Name = "up")] private readonly Block block = new();
            public override Tensor forward(Tensor x) => block.call(up.call(x));
        }

        public class NoModule
        {
            [ComponentName(Name = "up")] private readonly Block one = new(), two = new();
            public Block One => one ?? two;
        }
        """);

    [Fact]
    public Task A_target_that_hides_a_target_is_another_rules() => Rule<ComponentNameAnalyzer>.Finds(
        Model("[LoraTarget] private readonly Linear up;") + """

        [LoraModel]
        public partial class Wide : Mlp
        {
            [LoraTarget(Name = "UpWide")] private readonly Linear up = Linear(4, 4);
        }
        """);

    private static string Model(string fields) => $$"""
        [LoraModel]
        public partial class Mlp : Module<Tensor, Tensor>
        {
            {{fields}}
            public Mlp() : base("Mlp") { }
            public override Tensor forward(Tensor x) => x;
        }
        """;
}
