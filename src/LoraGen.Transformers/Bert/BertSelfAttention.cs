using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>Self-attention of every token to every token.</summary>
[LoraModel]
public sealed partial class BertSelfAttention : Module<Tensor, AttentionMask, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear query;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear key;
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear value;
    private readonly int _heads;
    private readonly double _dropout;

    internal BertSelfAttention(BertConfig config, Weights weights)
        : base(nameof(BertSelfAttention))
    {
        query = weights.Linear(config.HiddenSize, config.HiddenSize, bias: true);
        key = weights.Linear(config.HiddenSize, config.HiddenSize, bias: true);
        value = weights.Linear(config.HiddenSize, config.HiddenSize, bias: true);
        (_heads, _dropout) = (config.NumAttentionHeads, config.AttentionProbsDropoutProb);
        RegisterComponents();
    }

    /// <summary>x [batch, time, hidden] to [batch, time, hidden].</summary>
    public override Tensor forward(Tensor x, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        var queries = DotProductAttention.Split(Query(x), _heads); // [batch, heads, time, headDim]
        var keys = DotProductAttention.Split(Key(x), _heads);
        var values = DotProductAttention.Split(Value(x), _heads);
        var attended = DotProductAttention.Attend(queries, keys, values, mask, training ? _dropout : 0);
        return DotProductAttention.Join(attended).MoveToOuterDisposeScope();
    }
}
