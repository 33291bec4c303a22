using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Gpt2;

/// <summary>One pre-norm decoder layer: attention and feed-forward, each added to the residual stream.</summary>
[LoraModel]
public sealed partial class Gpt2Block : Module<Tensor, AttentionContext, Tensor>
{
    private readonly LayerNorm ln_1;
    private readonly Gpt2Attention attn;
    private readonly LayerNorm ln_2;
    private readonly Gpt2Mlp mlp;

    internal Gpt2Block(Gpt2Config config, int layer, Weights weights)
        : base(nameof(Gpt2Block))
    {
        ln_1 = weights.LayerNorm(config.Width, config.LayerNormEpsilon);
        attn = new Gpt2Attention(config, layer, weights);
        ln_2 = weights.LayerNorm(config.Width, config.LayerNormEpsilon);
        mlp = new Gpt2Mlp(config, weights);
        RegisterComponents();
    }

    /// <summary>x [batch, time, width] to [batch, time, width].</summary>
    public override Tensor forward(Tensor x, AttentionContext context)
    {
        using var scope = NewDisposeScope();
        x = x + attn.call(ln_1.call(x), context);
        return (x + mlp.call(ln_2.call(x))).MoveToOuterDisposeScope();
    }
}
