using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>One post-norm layer: attention and feed-forward, each added to the residual stream and normed.</summary>
[LoraModel]
public sealed partial class BertLayer : Module<Tensor, AttentionMask, Tensor>
{
    private readonly BertAttention attention;
    private readonly BertIntermediate intermediate;
    private readonly BertOutput output;

    internal BertLayer(BertConfig config, Weights weights)
        : base(nameof(BertLayer))
    {
        attention = new BertAttention(config, weights);
        intermediate = new BertIntermediate(config, weights);
        output = new BertOutput(config, config.IntermediateSize, weights);
        RegisterComponents();
    }

    /// <summary>x [batch, time, hidden] to [batch, time, hidden].</summary>
    public override Tensor forward(Tensor x, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        x = attention.call(x, mask);
        return output.call(intermediate.call(x), x).MoveToOuterDisposeScope();
    }
}
