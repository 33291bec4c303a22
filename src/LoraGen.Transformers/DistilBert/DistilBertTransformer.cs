using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.DistilBert;

/// <summary>The layers, one after the other (Hugging Face: <c>Transformer</c>).</summary>
[LoraModel]
public sealed partial class DistilBertTransformer : Module<Tensor, AttentionMask, Tensor>
{
    private readonly ModuleList<DistilBertLayer> layer;

    internal DistilBertTransformer(DistilBertConfig config, Weights weights)
        : base(nameof(DistilBertTransformer))
    {
        layer = new ModuleList<DistilBertLayer>([.. Enumerable.Range(0, config.NumLayers).Select(_ => new DistilBertLayer(config, weights))]);
        RegisterComponents();
    }

    /// <summary>x [batch, time, dim] to [batch, time, dim].</summary>
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
