using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Llama;

/// <summary>One pre-norm decoder layer: attention and feed-forward, each added to the residual stream.</summary>
[LoraModel]
public sealed partial class LlamaDecoderLayer : Module<Tensor, AttentionContext, Tensor>
{
    private readonly RmsNorm input_layernorm;
    private readonly LlamaAttention self_attn;
    private readonly RmsNorm post_attention_layernorm;
    private readonly LlamaMlp mlp;

    internal LlamaDecoderLayer(LlamaConfig config, int layer, Weights weights)
        : base(nameof(LlamaDecoderLayer))
    {
        input_layernorm = new RmsNorm(config.HiddenSize, config.RmsNormEps, weights);
        self_attn = new LlamaAttention(config, layer, weights);
        post_attention_layernorm = new RmsNorm(config.HiddenSize, config.RmsNormEps, weights);
        mlp = new LlamaMlp(config, weights);
        RegisterComponents();
    }

    /// <summary>x [batch, time, hidden] to [batch, time, hidden].</summary>
    public override Tensor forward(Tensor x, AttentionContext context)
    {
        using var scope = NewDisposeScope();
        x = x + self_attn.call(input_layernorm.call(x), context);
        return (x + mlp.call(post_attention_layernorm.call(x))).MoveToOuterDisposeScope();
    }
}
