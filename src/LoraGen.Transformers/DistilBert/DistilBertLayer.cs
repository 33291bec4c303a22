using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.DistilBert;

/// <summary>One post-norm layer: attention and feed-forward, each added to the residual stream and normed (Hugging Face: <c>TransformerBlock</c>).</summary>
[LoraModel]
public sealed partial class DistilBertLayer : Module<Tensor, AttentionMask, Tensor>
{
    // No key of the config.
    internal const double LayerNormEps = 1e-12;

    private readonly DistilBertAttention attention;
    private readonly LayerNorm sa_layer_norm;
    private readonly DistilBertFeedForward ffn;
    private readonly LayerNorm output_layer_norm;

    internal DistilBertLayer(DistilBertConfig config, Weights weights)
        : base(nameof(DistilBertLayer))
    {
        attention = new DistilBertAttention(config, weights);
        sa_layer_norm = weights.LayerNorm(config.Dim, LayerNormEps);
        ffn = new DistilBertFeedForward(config, weights);
        output_layer_norm = weights.LayerNorm(config.Dim, LayerNormEps);
        RegisterComponents();
    }

    /// <summary>x [batch, time, dim] to [batch, time, dim].</summary>
    public override Tensor forward(Tensor x, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        x = sa_layer_norm.call(attention.call(x, mask) + x);
        return output_layer_norm.call(ffn.call(x) + x).MoveToOuterDisposeScope();
    }
}
