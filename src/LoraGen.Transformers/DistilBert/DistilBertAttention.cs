using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.DistilBert;

/// <summary>Self-attention of every token to every token (Hugging Face: <c>MultiHeadSelfAttention</c>).</summary>
[LoraModel]
public sealed partial class DistilBertAttention : Module<Tensor, AttentionMask, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear q_lin;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear k_lin;
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear v_lin;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear out_lin;
    private readonly int _heads;
    private readonly double _dropout;

    internal DistilBertAttention(DistilBertConfig config, Weights weights)
        : base(nameof(DistilBertAttention))
    {
        q_lin = weights.Linear(config.Dim, config.Dim, bias: true);
        k_lin = weights.Linear(config.Dim, config.Dim, bias: true);
        v_lin = weights.Linear(config.Dim, config.Dim, bias: true);
        out_lin = weights.Linear(config.Dim, config.Dim, bias: true);
        (_heads, _dropout) = (config.NumHeads, config.AttentionDropout);
        RegisterComponents();
    }

    /// <summary>x [batch, time, dim] to [batch, time, dim].</summary>
    public override Tensor forward(Tensor x, AttentionMask mask)
    {
        using var scope = NewDisposeScope();
        var queries = DotProductAttention.Split(QLin(x), _heads); // [batch, heads, time, headDim]
        var keys = DotProductAttention.Split(KLin(x), _heads);
        var values = DotProductAttention.Split(VLin(x), _heads);
        var attended = DotProductAttention.Attend(queries, keys, values, mask, training ? _dropout : 0);
        return OutLin(DotProductAttention.Join(attended)).MoveToOuterDisposeScope();
    }
}
