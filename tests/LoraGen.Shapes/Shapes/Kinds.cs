using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A target of each kind: an embedding of how many numbers are positive, GPT-2's Conv1D, a Linear, and a head that waits to be named.</summary>
[LoraModel]
public sealed partial class Kinds : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 3, Alpha = 6)] private readonly Embedding wte;
    [LoraTarget(Rank = 2, Alpha = 5)] private readonly Conv1D c_attn;
    [LoraTarget] private readonly Linear score;
    [LoraTarget(ByDefault = false, OutputHead = true)] private readonly Linear lm_head;

    /// <summary>lm_head(score(c_attn(x) + wte(ids))).</summary>
    public Kinds(long width)
        : base(nameof(Kinds))
    {
        wte = Embedding(width + 1, 6);
        c_attn = new Conv1D(width, 6);
        score = Linear(6, 3);
        lm_head = Linear(3, 5, hasBias: false);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => LmHead(Score(CAttn(x) + Wte(x.gt(0).sum(1))));
}
