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
        "'block' holds the [LoraModel] class 'Block', but 'Plain' is not a [LoraModel], so an adapter of a model around it does not reach 'block'",
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
            public override Tensor forward(Tensor x) => x;
        }

        public class Heir : Block
        {
            private readonly Block [|more|] = new();
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
            private readonly Func<Block> make = () => shared;
            public override Tensor forward(Tensor x) => make().call(x);
        }
        """);

    [Fact]
    public Task The_fix_makes_the_module_a_model() => Rule<ModelInPlainModuleAnalyzer>.Fixes<AddModelCodeFix>(
        Block + """
        public class One() : Module<Tensor, Tensor>("One")
        {
            private readonly Block [|a|] = new();
            public override Tensor forward(Tensor x) => a.call(x);
        }

        public class Two() : Module<Tensor, Tensor>("Two")
        {
            private readonly ModuleList<Block> [|b|] = ModuleList<Block>();
            public override Tensor forward(Tensor x) => x;
        }
        """,
        Block + """
        [LoraModel]
        public partial class One() : Module<Tensor, Tensor>("One")
        {
            private readonly Block a = new();
            public override Tensor forward(Tensor x) => a.call(x);
        }

        [LoraModel]
        public partial class Two() : Module<Tensor, Tensor>("Two")
        {
            private readonly ModuleList<Block> b = ModuleList<Block>();
            public override Tensor forward(Tensor x) => x;
        }
        """,
        diagnostics: 2);
}
