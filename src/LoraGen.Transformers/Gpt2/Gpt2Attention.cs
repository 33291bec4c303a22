using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Gpt2;

/// <summary>Causal self-attention; one projection gives queries, keys and values.</summary>
[LoraModel]
public sealed partial class Gpt2Attention : Module<Tensor, AttentionContext, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Conv1D c_attn;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Conv1D c_proj;

    private readonly Gpt2Config _config;
    private readonly int _layer;
    private readonly double _queryFactor;

    internal Gpt2Attention(Gpt2Config config, int layer, Weights weights)
        : base(nameof(Gpt2Attention))
    {
        (_config, _layer) = (config, layer);
        c_attn = weights.Conv1D(config.Width, 3 * config.Width);
        c_proj = weights.Conv1D(config.Width, config.Width);

        // The kernel divides by sqrt(headDim); what the config asks for besides, or instead, goes into the queries.
        _queryFactor = (config.ScaleAttnWeights ? 1 : Math.Sqrt((double)config.Width / config.NumHeads)) / (config.ScaleAttnByInverseLayerIdx ? layer + 1 : 1);
        RegisterComponents();
    }

    /// <summary>x [batch, time, width] to [batch, time, width].</summary>
    public override Tensor forward(Tensor x, AttentionContext context)
    {
        using var scope = NewDisposeScope();
        var parts = CAttn(x).chunk(3, dim: -1); // each [batch, time, width]
        var queries = DotProductAttention.Split(parts[0], _config.NumHeads); // [batch, heads, time, headDim]
        var keys = DotProductAttention.Split(parts[1], _config.NumHeads);
        var values = DotProductAttention.Split(parts[2], _config.NumHeads);
        if (context.Cache is not null)
        {
            (keys, values) = context.Cache.Append(_layer, keys, values);
        }

        queries = _queryFactor == 1 ? queries : queries * _queryFactor;
        var attended = DotProductAttention.Attend(
            queries, keys, values, context.Full, training ? _config.AttnPdrop : 0, inFp32: _config.ReorderAndUpcastAttn);
        var result = CProj(DotProductAttention.Join(attended));
        return functional.dropout(result, _config.ResidPdrop, training).MoveToOuterDisposeScope();
    }
}
