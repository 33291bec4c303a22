using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA013.</summary>
public sealed class NameConflictTests
{
    [Fact]
    public Task A_member_with_the_name_of_a_projections_method_is_found() => Rule<NameConflictAnalyzer>.Says(
        "'Up' cannot be generated in 'Mlp': 'Mlp' has a member with this name",
        Model("[LoraTarget] private readonly Linear {|#0:up|}; private const int Up = 1;"));

    [Fact]
    public Task A_method_with_the_same_parameters_is_found()
        => Rule<NameConflictAnalyzer>.Finds(Model("[LoraTarget] private readonly Linear [|up|]; private Tensor Up(Tensor x) => up.call(x);"));

    [Fact]
    public Task A_target_with_the_name_of_its_own_method_is_found()
        => Rule<NameConflictAnalyzer>.Finds(Model("[LoraTarget] private readonly Linear [|Up|];"));

    [Fact]
    public Task Two_targets_with_the_same_method_are_found() => Rule<NameConflictAnalyzer>.Says(
        "'QProj' cannot be generated in 'Mlp': another generated member has this name",
        Model("[LoraTarget] private readonly Linear q_proj, {|#0:_qProj|};"));

    [Fact]
    public Task A_name_that_no_method_can_have_is_found() => Rule<NameConflictAnalyzer>.Says(
        "'2nd' cannot be generated in 'Mlp': this is not a name that a method can have",
        Model("[LoraTarget] private readonly Linear {|#0:_2nd|};"));

    [Theory]
    [InlineData("")]
    [InlineData("Up Proj")]
    public Task A_given_name_that_no_method_can_have_is_found(string name)
        => Rule<NameConflictAnalyzer>.Finds(Model($"[LoraTarget(Name = [|\"{name}\"|])] private readonly Linear up;"));

    [Fact]
    public Task A_type_parameter_with_the_name_of_a_generated_member_is_found() => Rule<NameConflictAnalyzer>.Says(
        "'Adapter' cannot be generated in 'Mlp': this is the name of a type parameter",
        """
        [LoraModel]
        public partial class {|#0:Mlp|}<Adapter>() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Theory]
    [InlineData("Mlp", "this is the name of the class")]
    [InlineData("Merge", "another generated member has this name")]
    [InlineData("Dispose", "the base class 'Root' has a member with this name")]
    [InlineData("Other", "the base class 'Layer' has a member with this name")]
    public Task A_name_that_is_taken_elsewhere_is_found(string name, string reason) => Rule<NameConflictAnalyzer>.Says(
        $"'{name}' cannot be generated in 'Mlp': {reason}",
        $$"""
        public abstract class Root(string name) : Module<Tensor, Tensor>(name)
        {
            protected Tensor Dispose(Tensor x) => x;
        }

        public abstract class Layer(string name) : Root(name)
        {
            protected readonly int Other = 1;
        }

        [LoraModel]
        public partial class Mlp() : Layer("Mlp")
        {
            [LoraTarget(Name = {|#0:"{{name}}"|})] private readonly Linear up = Linear(4, 4);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Theory]
    [InlineData("_lora", "private readonly int {|#0:_lora|} = 1;")]
    [InlineData("Adapter", "public class {|#0:Adapter|};")]
    [InlineData("ActiveAdapter", "public int {|#0:ActiveAdapter|} => 1;")]
    [InlineData("CreateAdapter", "public object {|#0:CreateAdapter|}(LoraConfig config, torch.Generator random) => this;")]
    [InlineData("Unmerge", "public void {|#0:Unmerge|}() { }")]
    [InlineData("Attach", "public event Action? {|#0:Attach|};")]
    public Task A_member_with_the_name_of_a_fixed_one_is_found(string name, string member) => Rule<NameConflictAnalyzer>.Says(
        $"'{name}' cannot be generated in 'Mlp': 'Mlp' has a member with this name",
        $$"""
        #pragma warning disable CS0067
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            {{member}}
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Theory]
    [InlineData("Load")]
    [InlineData("Save")]
    [InlineData("Config")]
    public Task A_field_with_the_name_of_an_adapters_member_is_found(string name) => Rule<NameConflictAnalyzer>.Says(
        $"'Adapter.{name}' cannot be generated in 'Mlp': every adapter has a member with this name",
        Model($$"""[LoraTarget(Name = "Up")] private readonly Linear {|#0:{{name}}|};"""));

    [Fact]
    public Task A_target_that_a_base_class_has_too_is_found() => Rule<NameConflictAnalyzer>.Says(
        "'Adapter.up' cannot be generated in 'Wide': the adapter of the base class 'Mlp' has a member with this name",
        Model("[LoraTarget] private readonly Linear up = Linear(4, 4);") + """

        [LoraModel]
        public partial class Wide : Mlp
        {
            [LoraTarget] private readonly Linear {|#0:up|} = Linear(4, 4);
        }
        """);

    [Fact]
    public Task A_method_that_derived_classes_inherit_is_found() => Rule<NameConflictAnalyzer>.Says(
        "'Up' cannot be generated in 'Wide': the base class 'Mlp' has a member with this name",
        Model("[LoraTarget] protected readonly Linear up = Linear(4, 4);") + """

        [LoraModel]
        public partial class Wide : Mlp
        {
            [LoraTarget(Name = {|#0:"Up"|})] private readonly Linear down = Linear(4, 4);
        }
        """);

    [Fact]
    public Task A_fixed_member_in_a_class_between_two_models_is_found() => Rule<NameConflictAnalyzer>.Says(
        "'Unmerge' cannot be generated in 'Wide': the base class 'Between' has a member with this name",
        Model("[LoraTarget] private readonly Linear up = Linear(4, 4);") + """

        public class Between : Mlp
        {
            public new void Unmerge() { }
        }

        [LoraModel]
        public partial class {|#0:Wide|} : Between
        {
            [LoraTarget] private readonly Linear down = Linear(4, 4);
        }
        """);

    [Fact]
    public Task A_derived_model_whose_private_methods_and_fields_have_names_of_its_bases_is_not() => Rule<NameConflictAnalyzer>.Finds(
        Model("[LoraTarget] private readonly Linear up = Linear(4, 4);") + """

        [LoraModel]
        public partial class Wide : Mlp
        {
            [LoraTarget(Name = "Up")] private readonly Linear down = Linear(4, 4);
            private readonly int _lora = 1;
            public int Number => _lora;
        }
        """);

    // C# would prefer it to the generated override, and the adapter would never arrive.
    [Theory]
    [InlineData("Attach", "public void {|#0:Attach|}(Module? hook) { }")]
    [InlineData("Attach", "public void {|#0:Attach|}<T>(T hook) { }")]
    [InlineData("AddSites", "public void {|#0:AddSites|}(object adapter, object sites) { }")]
    [InlineData("NewAdapter", "public object {|#0:NewAdapter|}() => this;")]
    public Task An_overload_of_a_method_that_generated_code_calls_is_found(string name, string member) => Rule<NameConflictAnalyzer>.Says(
        $"'{name}' cannot be generated in 'Wide': 'Wide' has a member with this name",
        Model("[LoraTarget] private readonly Linear up = Linear(4, 4);") + $$"""

        [LoraModel]
        public partial class Wide : Mlp
        {
            [LoraTarget] private readonly Linear down = Linear(4, 4);
            {{member}}
        }
        """);

    [Theory]
    [InlineData("internal Tensor QProj(Tensor x) => x;", "QProj")]
    [InlineData("private protected Tensor QProj(Tensor x) => x;", "QProj")]
    public Task A_member_that_a_base_class_shows_within_the_assembly_is_found(string member, string name) => Rule<NameConflictAnalyzer>.Says(
        $"'{name}' cannot be generated in 'Mlp': the base class 'Layer' has a member with this name",
        $$"""
        public abstract class Layer(string name) : Module<Tensor, Tensor>(name)
        {
            {{member}}
        }

        [LoraModel]
        public partial class Mlp() : Layer("Mlp")
        {
            [LoraTarget] private readonly Linear {|#0:q_proj|} = Linear(4, 4);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public Task An_indexer_is_found_under_the_name_that_others_know()
        => Rule<NameConflictAnalyzer>.Finds(Model("[LoraTarget] private readonly Linear [|item|]; public int this[int i] => i;"));

    [Fact]
    public Task Another_classs_adapter_and_a_ref_parameter_make_an_overload() => Rule<NameConflictAnalyzer>.Finds("""
        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            public override Tensor forward(Tensor x) => Up(x);
        }

        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            private readonly Block block = new();
            public void Merge(Block.Adapter part) => block.Merge(part);
            public void Merge(ref Adapter adapter) => Merge(adapter);
            public override Tensor forward(Tensor x) => block.call(x);
        }
        """);

    [Fact]
    public Task Overloads_private_members_of_a_base_and_other_names_are_not() => Rule<NameConflictAnalyzer>.Finds("""
        public abstract class Layer(string name) : Module<Tensor, Tensor>(name)
        {
            private readonly int Gate = 1;
            public int Size => Gate;
        }

        [LoraModel]
        public partial class Mlp() : Layer("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4), gate = Linear(4, 4);
            [LoraTarget(Name = "Down")] private readonly Linear Up2 = Linear(4, 4);
            public Tensor Up(Tensor x, int times) => x;
            public Tensor Up<T>(T x) => zeros(1);
            public void Merge(string path) { }
            public override Tensor forward(Tensor x) => Down(Gate(Up(x)));
        }
        """);

    private static string Model(string members) => $$"""
        [LoraModel]
        public partial class Mlp : Module<Tensor, Tensor>
        {
            {{members}}
            public Mlp() : base("Mlp") { }
            public override Tensor forward(Tensor x) => x;
        }
        """;
}
