using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>A vector for a whole sequence: tanh of a projection of the first token's state.</summary>
[LoraModel]
public sealed partial class BertPooler : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear dense;

    internal BertPooler(BertConfig config, Weights weights)
        : base(nameof(BertPooler))
    {
        dense = weights.Linear(config.HiddenSize, config.HiddenSize, bias: true);
        RegisterComponents();
    }

    /// <summary>States [batch, time, hidden] to [batch, hidden].</summary>
    public override Tensor forward(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return Dense(hidden.select(1, 0)).tanh().MoveToOuterDisposeScope();
    }
}
