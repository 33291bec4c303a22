using LoraGen.CodeFixes;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA011's two fixes.</summary>
public sealed class UnfollowedChildFixTests
{
    private const string Block = """
        using System.Linq;

        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block")
        {
            [LoraTarget] private readonly Linear fc = Linear(4, 4);
            public override Tensor forward(Tensor x) => Fc(x);
        }

        """;

    [Fact]
    public Task Lists_and_arrays_become_ModuleLists() => FixesToCleanCode<UseModuleListCodeFix>(
        """
        // Each a field of its own.
        private readonly List<Block>
            [|a|] = [new Block(), new Block()],
            [|b|] = new List<Block> { new Block(), new Block() },
            [|c|] = new List<Block>(2) { new() },
            [|d|] = new() { new Block() },
            [|e|] = new(),
            [|f|] = [.. new[] { new Block() }];
        private readonly Block[]
            [|g|] = { new Block(), new Block() },
            [|h|] = new[] { new Block(), new Block(), },
            [|l|] = Enumerable.Range(0, 4).Select(_ => new Block()).ToArray(),
            [|m|] = new Block[]
            {
                new Block(), // the first
                new Block(),
            };
        private readonly IReadOnlyList<Block> [|i|] = Enumerable.Range(0, 4).Select(_ => new Block()).ToList();
        private readonly System.Collections.Generic.IList<Block> [|j|] = new List<Block>(Enumerable.Repeat(new Block(), 1));
        private readonly IEnumerable<Block> [|k|] = new Block[2] { new(), new() };

        public Gpt() : base("Gpt") => RegisterComponents();

        public override Tensor forward(Tensor x) => x;
        """,
        """
        // Each a field of its own.
        private readonly ModuleList<Block>
            a = [new Block(), new Block()],
            b = new ModuleList<Block> { new Block(), new Block() },
            c = new ModuleList<Block>() { new() },
            d = new() { new Block() },
            e = new(),
            f = [.. new[] { new Block() }];
        private readonly ModuleList<Block>
            g = [new Block(), new Block()],
            h = [new Block(), new Block()],
            l = [.. Enumerable.Range(0, 4).Select(_ => new Block())],
            m = [
                new Block(), // the first
                new Block(),
            ];
        private readonly ModuleList<Block> i = [.. Enumerable.Range(0, 4).Select(_ => new Block())];
        private readonly ModuleList<Block> j = [.. Enumerable.Repeat(new Block(), 1)];
        private readonly ModuleList<Block> k = [new(), new()];

        public Gpt() : base("Gpt") => RegisterComponents();

        public override Tensor forward(Tensor x) => x;
        """,
        iterations: 5);

    [Fact]
    public Task What_is_done_with_them_goes_on() => FixesToCleanCode<UseModuleListCodeFix>(
        """
        private readonly Block[] [|h|];
        private readonly List<Block>? [|extra|];
        private readonly List<Block> [|added|] = new();
        private readonly LayerNorm norm;

        /// <summary>Fills <see cref="h"/> and <see cref="added"/>.</summary>
        public Gpt(int layers) : base("Gpt")
        {
            (h, this.norm) = (new Block[] { new(), new() }, LayerNorm(4));
            extra = Enumerable.Range(0, h.Length).Select(_ => new Block()).ToList();
            for (var i = 0; i < layers; i++)
            {
                added.Add(new Block());
            }

            RegisterComponents();
        }

        public int Count => h.Length /* all */ + added.Count + nameof(h).Length;

        public override Tensor forward(Tensor x)
        {
            foreach (var block in h)
            {
                x = block.call(x);
            }

            for (var i = 0; i < this.h.Length; i++)
            {
                x = this.h[i].call(x);
            }

            return extra is null ? h[^1].call(norm.call(x)) : extra.Concat(added).Aggregate(x, (y, block) => block.call(y));
        }
        """,
        """
        private readonly ModuleList<Block> h;
        private readonly ModuleList<Block>? extra;
        private readonly ModuleList<Block> added = new();
        private readonly LayerNorm norm;

        /// <summary>Fills <see cref="h"/> and <see cref="added"/>.</summary>
        public Gpt(int layers) : base("Gpt")
        {
            (h, this.norm) = ([new(), new()], LayerNorm(4));
            extra = [.. Enumerable.Range(0, h.Count).Select(_ => new Block())];
            for (var i = 0; i < layers; i++)
            {
                added.Add(new Block());
            }

            RegisterComponents();
        }

        public int Count => h.Count /* all */ + added.Count + nameof(h).Length;

        public override Tensor forward(Tensor x)
        {
            foreach (var block in h)
            {
                x = block.call(x);
            }

            for (var i = 0; i < this.h.Count; i++)
            {
                x = this.h[i].call(x);
            }

            return extra is null ? h[^1].call(norm.call(x)) : extra.Concat(added).Aggregate(x, (y, block) => block.call(y));
        }
        """,
        iterations: 3);

    [Fact]
    public Task What_is_not_mechanical_is_left_to_the_user() => Rule<UnfollowedChildAnalyzer>.DoesNotFix<UseModuleListCodeFix>(Block + Model("""
        private readonly Block[] [|sized|] = new Block[2];
        private readonly Block[] [|set|] = [new()];
        private readonly List<Block> [|addedLater|] = [];
        private readonly List<Block> [|addedTooLate|] = [];
        private readonly List<Block> [|forEach|] = [];
        private readonly List<Block> [|returned|] = [];
        private readonly List<Block> [|copied|] = [];
        private readonly Block[] [|sliced|] = [new()];
        private readonly Block[] [|given|] = [new()];
        private readonly IReadOnlyList<Block> [|taken|];
        private readonly IEnumerable<Block> [|lazy|] = Enumerable.Range(0, 2).Select(_ => new Block());
        private readonly List<Block>[] [|lists|] = [];
        private readonly Block[,] [|square|] = { { new() } };
        private readonly List<Block?> [|holes|] = [];
        private readonly HashSet<Block> [|set2|] = [];
        private readonly Dictionary<string, Block> [|named|] = [];
        private List<Block> [|Property|] { get; } = [];
        private readonly List<Inner> [|inner|] = [];

        public Gpt(IReadOnlyList<Block> blocks) : base("Gpt")
        {
            taken = blocks;
            RegisterComponents();
            addedTooLate.Add(new Block());
        }

        public override Tensor forward(Tensor x)
        {
            set[0] = new Block();
            addedLater.Add(new Block());
            forEach.ForEach(block => block.train());
            var copy = copied;
            copy.Reverse();
            Array.Reverse(given);
            return sliced[1..][0].call(x);
        }

        public List<Block> Returned() => returned;

        [LoraModel]
        private partial class Inner() : Module("Inner")
        {
            [LoraTarget] private readonly Linear fc = Linear(4, 4);
        }
        """));

    [Fact]
    public Task A_field_that_another_file_uses_is_left_to_the_user()
    {
        const string User = "class User { static Block[] Of(Gpt gpt) => gpt.h; }";
        var test = Rule<UnfollowedChildAnalyzer>.TestOf<UseModuleListCodeFix>(
            (Block + Model("internal readonly Block[] [|h|] = [new()]; public Gpt() : base(\"Gpt\") { } public override Tensor forward(Tensor x) => x;"), null),
            (User, null));
        return test.RunAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public Task A_Module_that_is_always_one_new_child_gets_its_class() => FixesToCleanCode<UseModelTypeCodeFix>(
        """
        private readonly Module a = [|new Block()|];
        private readonly Module<Tensor, Tensor> b;
        private Module<Tensor, Tensor> d;
        private readonly Module? e;
        private readonly LayerNorm norm;

        public Gpt() : base("Gpt")
        {
            b = [|new Block()|];
            (this.d, norm) = ([|new Block()|], LayerNorm(4));
            e = [|new Block()|];
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => ((Block)a).call(d.call(norm.call(x))) * (e is null ? x : b.call(x));
        """,
        """
        private readonly Block a = new Block();
        private readonly Block b;
        private Block d;
        private readonly Block? e;
        private readonly LayerNorm norm;

        public Gpt() : base("Gpt")
        {
            b = new Block();
            (this.d, norm) = (new Block(), LayerNorm(4));
            e = new Block();
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => ((Block)a).call(d.call(norm.call(x))) * (e is null ? x : b.call(x));
        """,
        iterations: 4);

    [Fact]
    public Task A_Module_that_may_be_something_else_is_left_to_the_user() => Rule<UnfollowedChildAnalyzer>.DoesNotFix<UseModelTypeCodeFix>(Block + Model("""
        private Module<Tensor, Tensor> two = [|new Block()|], other = LayerNorm(4);
        private Module<Tensor, Tensor> assigned = [|new Block()|];
        private Module<Tensor, Tensor> assignedTwice = [|new Block()|];
        private Module<Tensor, Tensor> referenced = [|new Block()|];
        private readonly Module<Tensor, Tensor> item = [|new Block()|];
        private readonly Module<Tensor, Tensor> copied = [|new Block()|];
        private readonly Sequential sequential = [|Sequential(new Block())|];
        private readonly ModuleList<Module> list = [|ModuleList<Module>(new Block())|];
        private readonly Module<Tensor, Tensor> made = [|Make()|];
        public readonly Module hidden = [|new Hidden()|];

        private static Block Make() => new();
        private static void Replace(ref Module<Tensor, Tensor> module) => module = LayerNorm(4);

        public Gpt() : base("Gpt")
        {
            assigned = LayerNorm(4);
            assignedTwice = [|new Block()|];
            Replace(ref referenced);
            var copy = copied;
            copy = new[] { item, LayerNorm(4) }[1];
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => x;
        """) + """

        [LoraModel]
        internal partial class Hidden() : Module("Hidden")
        {
            [LoraTarget] private readonly Linear fc = Linear(4, 4);
        }
        """);

    // The compiler and the generator have nothing against the result.
    private static async Task FixesToCleanCode<TFix>(string members, string fixedMembers, int iterations)
        where TFix : Microsoft.CodeAnalysis.CodeFixes.CodeFixProvider, new()
    {
        await Rule<UnfollowedChildAnalyzer>.Fixes<TFix>(Block + Model(members), Block + Model(fixedMembers), iterations);
        var run = GeneratorRun.Of(Block + Model(fixedMembers));
        Assert.Contains("Gpt.g.cs", run.Files.Keys);
        Assert.Empty(run.Complaints);
    }

    private static string Model(string members) => $$"""
        [LoraModel]
        public partial class Gpt : Module<Tensor, Tensor>
        {
        {{members}}
        }
        """;
}
