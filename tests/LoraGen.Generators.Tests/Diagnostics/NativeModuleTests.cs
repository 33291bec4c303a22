using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA016.</summary>
public sealed class NativeModuleTests
{
    private const string OfAttention = "write a class of your own with projections in 'Linear' fields and functional.scaled_dot_product_attention";
    private const string OfRecurrence = "write a class of your own with the gates in 'Linear' fields and a loop over the steps";

    [Theory]
    [InlineData(nameof(TorchSharp.Modules.MultiheadAttention), OfAttention)]
    [InlineData(nameof(TorchSharp.Modules.Transformer), OfAttention)]
    [InlineData(nameof(TorchSharp.Modules.TransformerEncoder), OfAttention)]
    [InlineData(nameof(TorchSharp.Modules.TransformerEncoderLayer), OfAttention)]
    [InlineData(nameof(TorchSharp.Modules.TransformerDecoder), OfAttention)]
    [InlineData(nameof(TorchSharp.Modules.TransformerDecoderLayer), OfAttention)]
    [InlineData(nameof(TorchSharp.Modules.RNN), OfRecurrence)]
    [InlineData(nameof(TorchSharp.Modules.RNNCell), OfRecurrence)]
    [InlineData(nameof(TorchSharp.Modules.LSTM), OfRecurrence)]
    [InlineData(nameof(TorchSharp.Modules.LSTMCell), OfRecurrence)]
    [InlineData(nameof(TorchSharp.Modules.GRU), OfRecurrence)]
    [InlineData(nameof(TorchSharp.Modules.GRUCell), OfRecurrence)]
    public async Task Each_is_found_in_a_model_and_refused_as_a_target(string type, string advice)
    {
        await Rule<NativeModuleAnalyzer>.Says(
            $"The projections of 'inner' stay frozen, since '{type}' computes inside the native library: to adapt them, {advice}",
            Model($"private readonly TorchSharp.Modules.{type}? {{|#0:inner|}};"));
        await Rule<UnsupportedTargetAnalyzer>.Says(
            $"'inner' cannot be a LoRA target: '{type}' computes inside the native library; {advice}",
            Model($"[LoraTarget] private readonly TorchSharp.Modules.{type} {{|#0:inner|}} = null!;"));
    }

    [Fact]
    public Task One_in_a_container_or_a_property_is_found() => Rule<NativeModuleAnalyzer>.Finds(Model("""
        private readonly ModuleList<TransformerEncoderLayer> [|layers|] = ModuleList<TransformerEncoderLayer>();
            private LSTM? [|Memory|] { get; }
        """));

    [Fact]
    public Task A_target_a_static_field_and_a_class_of_the_same_name_are_not() => Rule<NativeModuleAnalyzer>.Finds(Model("""
        [LoraTarget] private readonly LSTM? target;
            private static readonly LSTM? shared;
            private readonly Mine.GRU? mine;
            private readonly Func<LSTM>? make;
        """) + """

        public class Plain() : Module<Tensor, Tensor>("Plain")
        {
            private readonly LSTM? inner;
            public override Tensor forward(Tensor x) => x;
        }

        namespace Mine
        {
            public class GRU() : Module<Tensor, Tensor>("GRU")
            {
                public override Tensor forward(Tensor x) => x;
            }
        }
        """);

    private static string Model(string fields) => $$"""
        [LoraModel]
        public partial class Sample() : Module<Tensor, Tensor>("Sample")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            {{fields}}
            public override Tensor forward(Tensor x) => x;
        }
        """;
}
