using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.RealAdapters;

/// <summary>The projections of a real base by their real names and shapes, without its layers' arithmetic and without its memory.</summary>
[LoraModel]
internal sealed partial class PretendBase : Module<Tensor, Tensor>
{
    private readonly Stack? gpt_neox;
    private readonly Stack? encoder;
    private readonly Stack? model;

    public PretendBase(Stack? gptNeox = null, Stack? encoder = null, Stack? model = null)
        : base(nameof(PretendBase))
    {
        (gpt_neox, this.encoder, this.model) = (gptNeox, encoder, model);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => throw new NotSupportedException();

    /// <summary>One stored value stands for all: the shape is that of the real weight, and the memory is not.</summary>
    private static Linear Projection(long inFeatures, long outFeatures) => Linear(new Parameter(zeros(1, 1).expand(outFeatures, inFeatures)));

    /// <summary><c>layers.N</c>, <c>layer.N</c> or <c>decoder.layers.N</c>.</summary>
    [LoraModel]
    internal sealed partial class Stack : Module<Tensor, Tensor>
    {
        private readonly ModuleList<Layer>? layers;
        private readonly ModuleList<Layer>? layer;
        private readonly Stack? decoder;

        public Stack(ModuleList<Layer>? layers = null, ModuleList<Layer>? layer = null, Stack? decoder = null)
            : base(nameof(Stack))
        {
            (this.layers, this.layer, this.decoder) = (layers, layer, decoder);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => throw new NotSupportedException();
    }

    /// <summary>One layer's attention, under its base's name for it.</summary>
    [LoraModel]
    internal sealed partial class Layer : Module<Tensor, Tensor>
    {
        private readonly Attention? self_attn;
        private readonly Attention? attention;

        public Layer(Attention? selfAttn = null, Attention? attention = null)
            : base(nameof(Layer))
        {
            (self_attn, this.attention) = (selfAttn, attention);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => throw new NotSupportedException();
    }

    /// <summary>Those projections that the base has, each [out, in].</summary>
    [LoraModel]
    internal sealed partial class Attention : Module<Tensor, Tensor>
    {
        [LoraTarget] private readonly Linear? q_proj;
        [LoraTarget] private readonly Linear? v_proj;
        [LoraTarget] private readonly Linear? o_proj;
        [LoraTarget] private readonly Linear? query_key_value;

        public Attention(long width, long q = 0, long v = 0, long o = 0, long queryKeyValue = 0)
            : base(nameof(Attention))
        {
            q_proj = Maybe(q);
            v_proj = Maybe(v);
            o_proj = Maybe(o);
            query_key_value = Maybe(queryKeyValue);
            RegisterComponents();

            Linear? Maybe(long outFeatures) => outFeatures == 0 ? null : Projection(width, outFeatures);
        }

        public override Tensor forward(Tensor x) => throw new NotSupportedException();
    }
}
