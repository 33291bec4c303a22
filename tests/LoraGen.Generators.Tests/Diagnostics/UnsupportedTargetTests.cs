using LoraGen.CodeFixes;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA003.</summary>
public sealed class UnsupportedTargetTests
{
    [Fact]
    public Task A_field_of_another_type_is_found() => Rule<UnsupportedTargetAnalyzer>.Says(
        "'norm' cannot be a LoRA target: its type is 'LayerNorm', not 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d'",
        """
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly LayerNorm {|#0:norm|} = LayerNorm(4);
            public override Tensor forward(Tensor x) => norm.call(x);
        }
        """);

    [Fact]
    public Task The_hidden_field_of_a_property_is_found() => Rule<UnsupportedTargetAnalyzer>.Says(
        "'Up' cannot be a LoRA target: it is a property; annotate a field",
        """
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [field: LoraTarget] private Linear {|#0:Up|} { get; } = Linear(4, 8);
            public override Tensor forward(Tensor x) => Up.call(x);
        }
        """);

    [Fact]
    public Task Someone_elses_Linear_is_found() => Rule<UnsupportedTargetAnalyzer>.Finds("""
        namespace Mine
        {
            public class Linear;

            [LoraModel]
            public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
            {
                [LoraTarget] private readonly Linear [|up|] = new();
                public override Tensor forward(Tensor x) => x;
            }
        }
        """);

    [Fact]
    public Task An_Embedding_and_a_Conv1D_are_not() => Rule<UnsupportedTargetAnalyzer>.Finds("""
        [LoraModel]
        public partial class Gpt() : Module<Tensor, Tensor>("Gpt")
        {
            [LoraTarget] private readonly Embedding wte = Embedding(8, 4);
            [LoraTarget] private readonly LoraGen.Conv1D c_attn = new(4, 4);
            public override Tensor forward(Tensor ids) => CAttn(Wte(ids));
        }
        """);

    [Fact]
    public Task Convolutions_are_not() => Rule<UnsupportedTargetAnalyzer>.Finds("""
        [LoraModel]
        public partial class Features() : Module<Tensor, Tensor>("Features")
        {
            [LoraTarget] private readonly TorchSharp.Modules.Conv1d signal = torch.nn.Conv1d(4, 4, 1);
            [LoraTarget] private readonly TorchSharp.Modules.Conv2d image = torch.nn.Conv2d(4, 4, 1);
            [LoraTarget] private readonly TorchSharp.Modules.Conv3d volume = torch.nn.Conv3d(4, 4, 1);
            public override Tensor forward(Tensor x) => Volume(Image(Signal(x).unsqueeze(-1)).unsqueeze(-1));
        }
        """);

    [Fact]
    public Task A_transposed_convolution_is_found() => Rule<UnsupportedTargetAnalyzer>.Says(
        "'up' cannot be a LoRA target: its type is 'ConvTranspose2d', not 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d'",
        """
        [LoraModel]
        public partial class Decoder() : Module<Tensor, Tensor>("Decoder")
        {
            [LoraTarget] private readonly ConvTranspose2d {|#0:up|} = ConvTranspose2d(4, 4, 2);
            public override Tensor forward(Tensor x) => up.call(x);
        }
        """);

    [Fact]
    public Task A_Linear_that_may_be_null_is_not() => Rule<UnsupportedTargetAnalyzer>.Finds("""
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            [LoraTarget] private readonly TorchSharp.Modules.Linear? gate;
            public override Tensor forward(Tensor x) => gate is null ? Up(x) : Gate(x);
        }
        """);

    [Fact]
    public Task The_fix_removes_the_attribute_alone() => Rule<UnsupportedTargetAnalyzer>.Fixes<RemoveTargetCodeFix>(
        """
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);

            // One line.
            [LoraTarget(Rank = 4)] private readonly LayerNorm [|a|] = LayerNorm(4), [|b|] = LayerNorm(4);

            /// <summary>A line of its own.</summary>
            [LoraTarget]
            private readonly LayerNorm [|c|] = LayerNorm(4);

            [ComponentName(Name = "d_norm")]
            [LoraGen.LoraTargetAttribute]
            private readonly LayerNorm [|d|] = LayerNorm(4);

            [LoraTarget, ComponentName(Name = "e_norm")] private readonly LayerNorm [|e|] = LayerNorm(4);
            [field: LoraTarget] private Linear [|Down|] { get; } = Linear(8, 4);

            public override Tensor forward(Tensor x) => x;
        }
        """,
        """
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);

            // One line.
            private readonly LayerNorm a = LayerNorm(4), b = LayerNorm(4);

            /// <summary>A line of its own.</summary>
            private readonly LayerNorm c = LayerNorm(4);

            [ComponentName(Name = "d_norm")]
            private readonly LayerNorm d = LayerNorm(4);

            [ComponentName(Name = "e_norm")] private readonly LayerNorm e = LayerNorm(4);
            private Linear Down { get; } = Linear(8, 4);

            public override Tensor forward(Tensor x) => x;
        }
        """,
        diagnostics: 5);
}
