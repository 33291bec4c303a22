using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>Attention and the projection that ends it.</summary>
[LoraModel]
public sealed partial class BertAttention : Module<Tensor, AttentionMask, Tensor>
{
    private readonly BertSelfAttention self;
    private readonly BertOutput output;

    internal BertAttention(BertConfig config, Weights weights)
        : base(nameof(BertAttention))
    {
        self = new BertSelfAttention(config, weights);
        output = new BertOutput(config, config.HiddenSize, weights);
        RegisterComponents();
    }

    /// <summary>x [batch, time, hidden] to [batch, time, hidden].</summary>
    public override Tensor forward(Tensor x, AttentionMask mask)
    {
        using var attended = self.call(x, mask);
        return output.call(attended, x);
    }
}
