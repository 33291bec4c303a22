using System.Runtime.CompilerServices;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>The emitted text, whole, for one sample per shape; it compiles with the sample without a warning.</summary>
public sealed class GeneratedCodeTests
{
    [Fact]
    public void One_target() => Verify("Sample.Mlp.g.cs", """
        namespace Sample;

        [LoraModel]
        public sealed partial class Mlp : Module<Tensor, Tensor>
        {
            [LoraTarget(Rank = 4, Alpha = 16, Dropout = 0.05)]
            private readonly Linear up_proj;

            public Mlp() : base("Mlp")
            {
                up_proj = Linear(4, 8);
                RegisterComponents();
            }

            public override Tensor forward(Tensor x) => UpProj(x);
        }
        """);

    [Fact]
    public void Several_targets_in_several_files() => Verify(
        "Sample.Attention.g.cs",
        """
        namespace Sample;

        [LoraModel]
        internal sealed partial class Attention(Linear query, Linear key, Linear value, Linear output) : Module<Tensor, Tensor>("Attention")
        {
            [LoraTarget] private readonly Linear q = query, k = key;

            public override Tensor forward(Tensor x) => Output(Q(x) + K(x) + Value(x));
        }
        """,
        """
        namespace Sample;

        partial class Attention
        {
            [LoraTarget(Alpha = 1e-5, Name = "Value")] private readonly Linear _v = value;
            [LoraTarget(Rank = 1)] private readonly Linear _output = output;
        }
        """);

    [Fact]
    public void A_child_and_a_ModuleList() => Verify("Sample.Gpt.g.cs", """
        namespace Sample;

        [LoraModel]
        public partial class Block() : Module<Tensor, Tensor>("Block")
        {
            [LoraTarget] private readonly Linear fc = Linear(4, 4);

            public override Tensor forward(Tensor x) => Fc(x);
        }

        [LoraModel]
        public partial class Gpt : Module<Tensor, Tensor>
        {
            private readonly ModuleList<Block> h = ModuleList(new Block(), new Block());
            private readonly LayerNorm ln_f = LayerNorm(4);
            [LoraTarget] private readonly Linear lm_head = Linear(4, 4, hasBias: false);
            private readonly Block last = new();

            public Gpt() : base("Gpt") => RegisterComponents();

            public override Tensor forward(Tensor x)
            {
                foreach (var block in h)
                {
                    x = block.call(x);
                }

                return LmHead(ln_f.call(last.call(x)));
            }
        }
        """);

    [Fact]
    public void Names_from_ComponentName_and_keywords_and_what_locals_are_called() => Verify("Names.g.cs", """
        [LoraModel]
        internal sealed partial class Names() : Module<Tensor, Tensor>("Names")
        {
            [ComponentName(Name = "c_fc"), LoraTarget] private readonly Linear _up = Linear(4, 4);
            [LoraTarget] private readonly Linear @class = Linear(4, 4);
            [LoraTarget(Name = "event")] private readonly Linear x = Linear(4, 4);
            [LoraTarget] private readonly Linear model = Linear(4, 4), sites = Linear(4, 4);
            [ComponentName(Name = "{odd} <\"name\">")] private readonly ModuleList<Child> adapter = ModuleList<Child>();
            private readonly Child builder = new(), i = new();

            public override Tensor forward(Tensor y) => Up(Class(@event(Model(Sites(y)))));
        }

        [LoraModel]
        internal sealed partial class Child() : Module<Tensor, Tensor>("Child")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            public override Tensor forward(Tensor x) => Up(x);
        }
        """);

    [Fact]
    public void A_nested_generic_class_in_a_keyword_namespace() => Verify("Sample.class.Zoo`1+Cage+Lion`2.g.cs", """
        namespace Sample.@class;

        public partial interface Zoo<T>
        {
            public partial record struct Cage
            {
                [LoraModel]
                public partial class Lion<T1, @params>() : Module<Tensor, Tensor>("Lion")
                    where T1 : class, new()
                {
                    [LoraTarget] private readonly Linear paw = Linear(4, 4);
                    private readonly ModuleList<Lion<T1, int>> cubs = ModuleList<Lion<T1, int>>();

                    public override Tensor forward(Tensor x) => Paw(x);
                }
            }
        }
        """);

    [Fact]
    public void Components_that_may_be_absent() => Verify("Sample.Optional.g.cs", """
        namespace Sample;

        [LoraModel]
        public sealed partial class Optional(Linear? given) : Module<Tensor, Tensor>("Optional")
        {
            [LoraTarget] private readonly Linear? gate = given;
            private readonly Optional? next;
            private readonly ModuleList<Optional>? more;

            public override Tensor forward(Tensor x) => gate is null ? x : Gate(x);
        }
        """);

    [Fact]
    public void A_child_that_is_less_visible_than_its_parent() => Verify("Sample.Gpt.g.cs", """
        namespace Sample;

        [LoraModel]
        internal sealed partial class Block() : Module<Tensor, Tensor>("Block")
        {
            [LoraTarget] private readonly Linear fc = Linear(4, 4);
            public override Tensor forward(Tensor x) => Fc(x);
        }

        [LoraModel]
        public sealed partial class Gpt() : Module<Tensor, Tensor>("Gpt")
        {
            private readonly ModuleList<Block> h = ModuleList<Block>();
            private readonly Block last = new();
            public override Tensor forward(Tensor x) => last.call(x);
        }
        """);

    private static void Verify(string file, string source, string more = "", [CallerMemberName] string test = "")
    {
        var run = GeneratorRun.Of(source, more);
        Assert.Empty(run.Complaints);
        Snapshot.Verify(run.Files[file], nameof(GeneratedCodeTests), test);
    }
}
