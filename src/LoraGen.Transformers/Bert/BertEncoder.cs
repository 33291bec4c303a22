using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>The layers, one after the other.</summary>
[LoraModel]
public sealed partial class BertEncoder : Module<Tensor, AttentionMask, Tensor>
{
    private readonly ModuleList<BertLayer> layer;

    internal BertEncoder(BertConfig config, Weights weights)
        : base(nameof(BertEncoder))
    {
        layer = new ModuleList<BertLayer>([.. Enumerable.Range(0, config.NumHiddenLayers).Select(_ => new BertLayer(config, weights))]);
        RegisterComponents();
    }

    /// <summary>x [batch, time, hidden] to [batch, time, hidden].</summary>
    public override Tensor forward(Tensor x, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        foreach (var one in layer)
        {
            x = one.call(x, mask);
        }

        return x.MoveToOuterDisposeScope();
    }
}
