using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>
/// What ends both halves of a layer: projected, added to the residual stream, normed (Hugging Face: <c>BertSelfOutput</c> and
/// <c>BertOutput</c>).
/// </summary>
[LoraModel]
public sealed partial class BertOutput : Module<Tensor, Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear dense;
    private readonly LayerNorm LayerNorm;
    private readonly double _dropout;

    internal BertOutput(BertConfig config, int inFeatures, Weights weights)
        : base(nameof(BertOutput))
    {
        dense = weights.Linear(inFeatures, config.HiddenSize, bias: true);
        LayerNorm = weights.LayerNorm(config.HiddenSize, config.LayerNormEps);
        _dropout = config.HiddenDropoutProb;
        RegisterComponents();
    }

    /// <summary>x [..., in] and the residual [..., hidden] to [..., hidden].</summary>
    public override Tensor forward(Tensor x, Tensor residual)
    {
        using var scope = NewDisposeScope();
        return LayerNorm.call(functional.dropout(Dense(x), _dropout, training) + residual).MoveToOuterDisposeScope();
    }
}
