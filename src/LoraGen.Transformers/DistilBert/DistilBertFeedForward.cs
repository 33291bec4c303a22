using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.DistilBert;

/// <summary>Feed-forward: lin2(activation(lin1(x))) (Hugging Face: <c>FFN</c>).</summary>
[LoraModel]
public sealed partial class DistilBertFeedForward : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear lin1;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear lin2;
    private readonly Func<Tensor, Tensor> _activation;
    private readonly double _dropout;

    internal DistilBertFeedForward(DistilBertConfig config, Weights weights)
        : base(nameof(DistilBertFeedForward))
    {
        lin1 = weights.Linear(config.Dim, config.HiddenDim, bias: true);
        lin2 = weights.Linear(config.HiddenDim, config.Dim, bias: true);
        (_activation, _dropout) = (Activation.Of(config.Activation), config.Dropout);
        RegisterComponents();
    }

    /// <summary>x [..., dim] to [..., dim].</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return functional.dropout(Lin2(_activation(Lin1(x))), _dropout, training).MoveToOuterDisposeScope();
    }
}
