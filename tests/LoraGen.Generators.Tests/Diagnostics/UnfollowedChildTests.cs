using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA011.</summary>
public sealed class UnfollowedChildTests
{
    [Fact]
    public Task A_list_is_found() => Rule<UnfollowedChildAnalyzer>.Says(
        "The adapter cannot follow 'h' to the [LoraModel] class 'Block': declare the field as 'Block' or 'ModuleList<Block>'",
        Model("private readonly List<Block> {|#0:h|} = new();"));

    [Theory]
    [InlineData("private readonly Block[] [|h|] = [];")]
    [InlineData("private readonly IEnumerable<Block> [|h|] = [];")]
    [InlineData("private readonly Dictionary<string, Block> [|h|] = new();")]
    [InlineData("private readonly (Block, int) [|h|] = (new(), 1);")]
    [InlineData("private readonly ModuleDict<Block> [|h|] = ModuleDict<Block>();")]
    [InlineData("private readonly ModuleList<ModuleList<Block>> [|h|] = ModuleList<ModuleList<Block>>();")]
    [InlineData("private readonly List<Block[]>? [|h|];")]
    [InlineData("private readonly Dictionary<string, List<Block>> [|h|] = new();")]
    [InlineData("private readonly BlockList [|h|] = new(); public sealed class BlockList : ModuleList<Block>;")]
    [InlineData("private readonly BlockBag [|h|] = new(); public class BlockBag : List<Block>;")]
    [InlineData("private readonly Named [|h|] = new(); public class Named : Dictionary<string, Block>;")]
    public Task Other_holders_are_found(string field) => Rule<UnfollowedChildAnalyzer>.Finds(Model(field));

    [Theory]
    [InlineData("private readonly Module<Tensor, Tensor> h = [|new Block()|];")]
    [InlineData("private readonly Module h; Gpt(bool b) : this() { h = [|new Block()|]; }")]
    [InlineData("private readonly Module h, i; Gpt(bool b) : this() { (h, i) = (Linear(1, 1), [|new Block()|]); }")]
    [InlineData("private readonly Sequential h = [|Sequential(new Block())|];")]
    [InlineData("private readonly Sequential h = [|Sequential((\"first\", Linear(4, 4)), (\"second\", new Block()))|];")]
    [InlineData("private readonly ModuleList<Module> h = [|new ModuleList<Module>([Linear(4, 4), new Block()])|];")]
    [InlineData("private readonly ModuleList<Module> h = [|ModuleList<Module>(new Block())|];")]
    [InlineData("private readonly IModel h = [|new Block()|];")]
    [InlineData("private readonly object h = [|new Block()|];")]
    [InlineData("private readonly List<Module> h = [|[Linear(4, 4), new Block()]|];")]
    [InlineData("private readonly Module h; Gpt(bool b) : this() { h = [|b ? new Block() : Linear(4, 4)|]; }")]
    [InlineData("private readonly Module h; Gpt(Module? given) : this() { h = [|given ?? new Block()|]; }")]
    [InlineData("private readonly Module h; Gpt(int n) : this() { h = [|n switch { 0 => Linear(4, 4), _ => new Block() }|]; }")]
    [InlineData("private readonly Module h; Gpt(bool b) : this() { Module<Tensor, Tensor> m = new Block(); h = [|m|]; }")]
    [InlineData("private readonly Module h; Gpt(Block[] all) : this() { foreach (Block one in all) { h = [|one|]; } }")]
    [InlineData("private readonly Sequential h = Sequential(); Gpt(bool b) : this() { h.append(\"a\", [|new Block()|]).append(ReLU()).append(\"b\", [|new Block()|]); }")]
    [InlineData("private readonly ModuleList<Module> h = new(); Gpt(bool b) : this() { h.Add([|new Block()|]); h[0] = [|new Block()|]; h.Add(ReLU()); }")]
    [InlineData("private readonly ModuleDict<Module> h = new(); Gpt(bool b) : this() { h.Add(\"a\", [|new Block()|]); h[\"b\"] = [|new Block()|]; }")]
    public Task What_is_put_into_a_plain_holder_is_found(string field)
        => Rule<UnfollowedChildAnalyzer>.Finds("#pragma warning disable CS8618\n" + Model(field));

    [Fact]
    public Task What_is_registered_by_hand_is_found() => Rule<UnfollowedChildAnalyzer>.Says(
        "The adapter cannot follow 'any' to the [LoraModel] class 'Block': declare a field of type 'Block' or 'ModuleList<Block>' for it",
        Model("private Gpt(bool b) : this() => register_module(\"any\", {|#0:new Block()|});"));

    [Fact]
    public Task A_captured_parameter_is_found() => Rule<UnfollowedChildAnalyzer>.Says(
        "The adapter cannot follow 'block' to the [LoraModel] class 'Block': declare a field, since a captured parameter hides its own",
        Model("") + """

        [LoraModel]
        public partial class Wrapper(Block {|#0:block|}, Block kept, Linear norm) : Module<Tensor, Tensor>("Wrapper")
        {
            private readonly Block own = kept;
            public override Tensor forward(Tensor x) => own.call(norm.call(block.call(x)));
        }
        """);

    [Fact]
    public Task A_property_is_found() => Rule<UnfollowedChildAnalyzer>.Says(
        "The adapter cannot follow 'Only' to the [LoraModel] class 'Block': declare a field, since a property hides its own",
        Model("private Block {|#0:Only|} { get; } = new();"));

    [Fact]
    public Task A_set_of_children_is_told_to_keep_them_elsewhere() => Rule<UnfollowedChildAnalyzer>.Says(
        "The adapter cannot follow 'seen' to the [LoraModel] class 'Block': hold it in a field of type 'Block' or 'ModuleList<Block>', and suppress this where one does so already",
        Model("private readonly HashSet<Block> {|#0:seen|} = [];"));

    [Fact]
    public Task A_key_is_no_child() => Rule<UnfollowedChildAnalyzer>.Finds(Model("""
        private readonly Dictionary<Block, string> names = [];
        private readonly IReadOnlyDictionary<Block, int>? counts;
        private readonly System.Runtime.CompilerServices.ConditionalWeakTable<Block, object> notes = new();
        """));

    // Its items are paths again, and so on.
    [Fact]
    public Task A_collection_of_itself_ends() => Rule<UnfollowedChildAnalyzer>.Finds(Model("""
        private readonly Path? path;
        private readonly Growing<int>? growing;
        public abstract class Path : IEnumerable<Path>
        {
            public abstract IEnumerator<Path> GetEnumerator();
            System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
        }
        public abstract class Growing<T> : List<Growing<Growing<T>>>;
        """));

    [Fact]
    public Task A_private_class_is_found() => Rule<UnfollowedChildAnalyzer>.Says(
        "The adapter cannot follow 'own' to the [LoraModel] class 'Inner': make 'Inner' at least internal, since 'Gpt' can be seen where 'Inner' cannot",
        Model("""
            private readonly Inner {|#0:own|} = new();

            [LoraModel]
            private partial class Inner() : Module<Tensor, Tensor>("Inner")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 4);
                public override Tensor forward(Tensor x) => Up(x);
            }
            """));

    [Fact]
    public Task What_the_adapter_follows_and_what_holds_no_child_are_not() => Rule<UnfollowedChildAnalyzer>.Finds(Model("""
        private readonly Block one = new();
        private readonly Block? two;
        private readonly ModuleList<Block> h = ModuleList(new Block());
        private readonly Func<Block> make = () => new Block();
        private readonly Sequential head = Sequential(Linear(new Block().Size, 4), ReLU());
        private readonly Module norm = LayerNorm(new Block().Size);
        private static readonly Block[] shared = [];
        private Block First => one;
        private readonly object size = new Block().Size;
        private readonly Sequential tail = Sequential();
        private void Use() { Module<Tensor, Tensor> local = new Block(); var other = Sequential(); other.append(local); tail.append(ReLU()); }
        private void Register() { register_module("one", one); register_module("norm", LayerNorm(4)); h.Add(new Block()); }
        """));

    [Fact]
    public Task A_class_that_is_not_a_model_is_another_rules() => Rule<UnfollowedChildAnalyzer>.Finds(
        Model("") + """

        public class Plain() : Module<Tensor, Tensor>("Plain")
        {
            private readonly List<Block> h = new();
            private readonly Module one = new Block();
            public override Tensor forward(Tensor x) => x;
        }
        """);

    private static string Model(string members) => $$"""
        public interface IModel;

        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block"), IModel
        {
            [LoraTarget] private readonly Linear fc = Linear(4, 4);
            public int Size => 4;
            public override Tensor forward(Tensor x) => Fc(x);
        }

        [LoraModel]
        public partial class Gpt : Module<Tensor, Tensor>
        {
            [LoraTarget] private readonly Linear lm_head = Linear(4, 4);
            public Gpt() : base("Gpt") { }
            public override Tensor forward(Tensor x) => x;
            {{members}}
        }
        """;
}
