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

    private static void Verify(string file, string source, string more = "", [CallerMemberName] string test = "")
    {
        var run = GeneratorRun.Of(source, more);
        Assert.Empty(run.Complaints);
        Snapshot.Verify(run.Files[file], nameof(GeneratedCodeTests), test);
    }
}
