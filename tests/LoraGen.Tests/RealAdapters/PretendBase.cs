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
    private readonly Stack? transformer;

    public PretendBase(Stack? gptNeox = null, Stack? encoder = null, Stack? model = null, Stack? transformer = null)
        : base(nameof(PretendBase))
    {
        (gpt_neox, this.encoder, this.model, this.transformer) = (gptNeox, encoder, model, transformer);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => throw new NotSupportedException();

    /// <summary>One stored value stands for all: the shape is that of the real weight, and the memory is not.</summary>
    private static Linear Projection(long inFeatures, long outFeatures) => Linear(new Parameter(zeros(1, 1).expand(outFeatures, inFeatures)));

    private static Conv1D TransposedProjection(long inFeatures, long outFeatures) => new(new Parameter(zeros(1, 1).expand(inFeatures, outFeatures)), bias: null);

    /// <summary><c>layers.N</c>, <c>layer.N</c>, <c>h.N</c> or <c>decoder.layers.N</c>.</summary>
    [LoraModel]
    internal sealed partial class Stack : Module<Tensor, Tensor>
    {
        private readonly ModuleList<Layer>? layers;
        private readonly ModuleList<Layer>? layer;
        private readonly ModuleList<Layer>? h;
        private readonly Stack? decoder;

        public Stack(ModuleList<Layer>? layers = null, ModuleList<Layer>? layer = null, ModuleList<Layer>? h = null, Stack? decoder = null)
            : base(nameof(Stack))
        {
            (this.layers, this.layer, this.h, this.decoder) = (layers, layer, h, decoder);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => throw new NotSupportedException();
    }

    /// <summary>One layer's attention, under its base's name for it; GPT-2's multilayer perceptron, too, is adapted.</summary>
    [LoraModel]
    internal sealed partial class Layer : Module<Tensor, Tensor>
    {
        private readonly Attention? self_attn;
        private readonly Attention? attention;
        private readonly Transposed? attn;
        private readonly Transposed? mlp;

        public Layer(Attention? selfAttn = null, Attention? attention = null, Transposed? attn = null, Transposed? mlp = null)
            : base(nameof(Layer))
        {
            (self_attn, this.attention, this.attn, this.mlp) = (selfAttn, attention, attn, mlp);
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

    /// <summary>Those of GPT-2's projections that a part of its layer has, each [in, out].</summary>
    [LoraModel]
    internal sealed partial class Transposed : Module<Tensor, Tensor>
    {
        [LoraTarget] private readonly Conv1D? c_attn;
        [LoraTarget] private readonly Conv1D c_proj;

        public Transposed(long inner, long width, long attention = 0)
            : base(nameof(Transposed))
        {
            c_attn = attention == 0 ? null : TransposedProjection(width, attention);
            c_proj = TransposedProjection(inner, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => throw new NotSupportedException();
    }
}
