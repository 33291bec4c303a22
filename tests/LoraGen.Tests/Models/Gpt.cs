using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>GPT-2 in names and in kinds of projections: everything is annotated, and by default c_attn alone is adapted, as PEFT does.</summary>
[LoraModel]
public sealed partial class Gpt : Module<Tensor, Tensor>
{
    public const int Ids = 7;
    public const int Width = 6;

    private readonly Stack transformer;
    [LoraTarget(ByDefault = false, OutputHead = true)] private readonly Linear lm_head;

    /// <param name="tied">Whether the head has the memory of the embedding's weight.</param>
    public Gpt(bool tied = false)
        : base(nameof(Gpt))
    {
        transformer = new Stack();
        lm_head = tied ? Linear(transformer.EmbeddingWeight, null) : Linear(Width, Ids, hasBias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor ids) => LmHead(transformer.call(ids));

    /// <summary>The embedding and the layers.</summary>
    [LoraModel]
    public sealed partial class Stack : Module<Tensor, Tensor>
    {
        [LoraTarget(ByDefault = false)] private readonly Embedding wte;
        private readonly ModuleList<Layer> h;

        public Stack()
            : base(nameof(Stack))
        {
            wte = Embedding(Ids, Width);
            h = new ModuleList<Layer>(new Layer(), new Layer(), new Layer());
            RegisterComponents();
        }

        public TorchSharp.Modules.Parameter EmbeddingWeight => wte.weight!;

        public override Tensor forward(Tensor ids) => h.Aggregate(Wte(ids), (x, layer) => layer.call(x));
    }

    /// <summary>Two projections of GPT-2 and one that is a Linear.</summary>
    [LoraModel]
    public sealed partial class Layer : Module<Tensor, Tensor>
    {
        [LoraTarget] private readonly Conv1D c_attn;
        [LoraTarget(ByDefault = false)] private readonly Conv1D c_proj;
        [LoraTarget(ByDefault = false)] private readonly Linear gate;

        public Layer()
            : base(nameof(Layer))
        {
            (c_attn, c_proj, gate) = (new Conv1D(Width, Width), new Conv1D(Width, Width), Linear(Width, Width));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => x + CProj(CAttn(x)) + Gate(x);
    }
}
