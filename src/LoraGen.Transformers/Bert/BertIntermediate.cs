using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>The first half of the feed-forward: activation(dense(x)).</summary>
[LoraModel]
public sealed partial class BertIntermediate : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear dense;
    private readonly Func<Tensor, Tensor> _activation;

    internal BertIntermediate(BertConfig config, Weights weights)
        : base(nameof(BertIntermediate))
    {
        dense = weights.Linear(config.HiddenSize, config.IntermediateSize, bias: true);
        _activation = Activation.Of(config.HiddenAct);
        RegisterComponents();
    }

    /// <summary>x [..., hidden] to [..., intermediate].</summary>
    public override Tensor forward(Tensor x)
    {
        using var projected = Dense(x);
        return _activation(projected);
    }
}
