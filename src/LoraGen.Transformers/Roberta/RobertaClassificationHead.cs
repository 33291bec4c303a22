using LoraGen.Transformers.Bert;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Roberta;

/// <summary>RoBERTa's classifier of sequences: out_proj(tanh(dense(state of the first token))).</summary>
[LoraModel]
public sealed partial class RobertaClassificationHead : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false, OutputHead = true)] private readonly Linear dense;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false, OutputHead = true)] private readonly Linear out_proj;
    private readonly double _dropout;

    internal RobertaClassificationHead(BertConfig config, Weights weights)
        : base(nameof(RobertaClassificationHead))
    {
        dense = weights.Linear(config.HiddenSize, config.HiddenSize, bias: true);
        out_proj = weights.Linear(config.HiddenSize, config.NumLabels, bias: true);
        _dropout = config.HeadDropout;
        RegisterComponents();
    }

    /// <summary>States [batch, time, hidden] to logits [batch, labels].</summary>
    public override Tensor forward(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        var first = functional.dropout(hidden.select(1, 0), _dropout, training); // [batch, hidden]
        return OutProj(functional.dropout(Dense(first).tanh(), _dropout, training)).MoveToOuterDisposeScope();
    }
}
