using LoraGen.CodeFixes;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA012.</summary>
public sealed class ModelInPlainModuleTests
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
    public Task A_model_in_a_plain_module_is_found() => Rule<ModelInPlainModuleAnalyzer>.Says(
        "'block' holds the [LoraModel] class 'Block', but 'Plain' is not a [LoraModel], so an adapter of a model around it does not reach 'block': mark 'Plain' with [LoraModel]",
        Block + """
        public class Plain() : Module<Tensor, Tensor>("Plain")
        {
            private readonly Block {|#0:block|} = new();
            public override Tensor forward(Tensor x) => block.call(x);
        }
        """);

    [Fact]
    public Task Holders_properties_and_heirs_of_models_are_found() => Rule<ModelInPlainModuleAnalyzer>.Finds(Block + """
        public class Plain<T>() : Module<Tensor, Tensor>("Plain")
            where T : Block
        {
            private readonly ModuleList<Block> [|list|] = ModuleList<Block>();
            private readonly T? [|generic|];
            private Block[] [|Array|] { get; } = [];
            private readonly List<Block> [|items|] = [];
            private readonly (Block, int) [|pair|] = (new(), 1);
            private readonly BlockList [|derived|] = new();
            private Block [|Property|] { get; } = new();
            public override Tensor forward(Tensor x) => x;
        }

        public sealed class BlockList : ModuleList<Block>;

        public class Heir : Block
        {
            private readonly Block [|more|] = new();
        }
        """);

    [Fact]
    public Task What_is_put_into_a_plain_holder_is_found() => Rule<ModelInPlainModuleAnalyzer>.Finds(Block + """
        public class Plain : Module<Tensor, Tensor>
        {
            private readonly Module a = [|new Block()|], b;
            private readonly Sequential c = [|Sequential(("first", Linear(4, 4)), ("second", new Block()))|];
            private readonly Module? d;
            private readonly object e = [|new Block()|];
            private readonly ModuleList<Module> f = [];
            public Plain() : base("Plain")
            {
                (b, d) = (LayerNorm(4), [|new Block()|]);
                d ??= [|Sequential(LayerNorm(4)).append(new Block()).append(LayerNorm(4))|];
                f.Add([|new Block()|]);
                register_module("g", [|new Block()|]);
            }

            public override Tensor forward(Tensor x) => c.call(x);
        }
        """);

    [Fact]
    public Task A_captured_parameter_is_found() => Rule<ModelInPlainModuleAnalyzer>.Says(
        "'block' holds the [LoraModel] class 'Block', but 'Plain' is not a [LoraModel], so an adapter of a model around it does not reach 'block': mark 'Plain' with [LoraModel]",
        Block + """
        public class Plain(Block {|#0:block|}) : Module<Tensor, Tensor>("Plain")
        {
            public override Tensor forward(Tensor x) => block.call(x);
        }
        """);

    [Fact]
    public Task A_model_and_a_class_that_is_no_module_are_not() => Rule<ModelInPlainModuleAnalyzer>.Finds(Block + """
        [LoraModel]
        public partial class Gpt() : Module<Tensor, Tensor>("Gpt")
        {
            private readonly Block block = new();
            public override Tensor forward(Tensor x) => block.call(x);
        }

        public class Trainer(Block block)
        {
            private readonly Block _block = block;
            public Block Model => _block;
        }

        public class Plain() : Module<Tensor, Tensor>("Plain")
        {
            private static readonly Block shared = new();
            private static readonly Module sharedToo = new Block();
            private readonly Func<Block> make = () => shared;
            private readonly Module norm = LayerNorm(shared.GetName().Length);
            private readonly object size = new Block().GetName().Length;
            public override Tensor forward(Tensor x) => make().call(x);
        }
        """);

    [Fact]
    public Task The_fix_makes_the_module_a_model_whatever_holds_the_child() => Rule<ModelInPlainModuleAnalyzer>.Fixes<AddModelCodeFix>(
        Block + """
        public class One() : Module<Tensor, Tensor>("One")
        {
            private readonly Block [|a|] = new(), [|b|] = new();
            public override Tensor forward(Tensor x) => a.call(x);
        }

        public class Outer
        {
            private class Two() : Module("Two")
            {
                private readonly ModuleList<Block> [|c|] = ModuleList<Block>();
            }
        }

        class Three() : Module("Three") { private readonly List<Block> [|d|] = []; }
        class Four() : Module("Four") { private readonly Block[] [|e|] = []; }
        class Five() : Module("Five") { private Block [|F|] { get; } = new(); }
        class Six() : Module("Six") { private readonly Module g = [|new Block()|]; }
        """,
        Block + """
        [LoraModel]
        public partial class One() : Module<Tensor, Tensor>("One")
        {
            private readonly Block a = new(), b = new();
            public override Tensor forward(Tensor x) => a.call(x);
        }

        public partial class Outer
        {
            [LoraModel]
            private partial class Two() : Module("Two")
            {
                private readonly ModuleList<Block> c = ModuleList<Block>();
            }
        }

        [LoraModel]
        partial class Three() : Module("Three") { private readonly List<Block> d = []; }
        [LoraModel]
        partial class Four() : Module("Four") { private readonly Block[] e = []; }
        [LoraModel]
        partial class Five() : Module("Five") { private Block F { get; } = new(); }
        [LoraModel]
        partial class Six() : Module("Six") { private readonly Module g = new Block(); }
        """,
        diagnostics: 6);
}
