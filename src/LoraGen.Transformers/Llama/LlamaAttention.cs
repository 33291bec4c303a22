using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Llama;

/// <summary>Grouped-query self-attention with rotary positions.</summary>
[LoraModel]
public sealed partial class LlamaAttention : Module<Tensor, AttentionContext, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear q_proj;
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear k_proj;
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear v_proj;
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear o_proj;

    private readonly int _layer;
    private readonly LlamaConfig _config;
    private readonly RotaryEmbedding _rotary;

    internal LlamaAttention(LlamaConfig config, int layer, RotaryEmbedding rotary, Weights weights)
        : base(nameof(LlamaAttention))
    {
        (_config, _layer, _rotary) = (config, layer, rotary);
        var (width, keyValueWidth) = (config.HiddenSize, config.NumKeyValueHeads * config.HeadDim);
        q_proj = weights.Linear(width, width);
        k_proj = weights.Linear(width, keyValueWidth);
        v_proj = weights.Linear(width, keyValueWidth);
        o_proj = weights.Linear(width, width);
        RegisterComponents();
    }

    /// <summary>x [batch, time, hidden] to [batch, time, hidden].</summary>
    public override Tensor forward(Tensor x, AttentionContext context)
    {
        using var scope = NewDisposeScope();
        var (batch, time) = (x.shape[0], x.shape[1]);

        var queries = _rotary.Rotate(Heads(QProj(x), _config.NumAttentionHeads), context.Positions);
        var keys = _rotary.Rotate(Heads(KProj(x), _config.NumKeyValueHeads), context.Positions);
        var values = Heads(VProj(x), _config.NumKeyValueHeads);
        if (context.Cache is not null)
        {
            (keys, values) = context.Cache.Append(_layer, keys, values);
        }

        var attended = Attend(queries, Repeat(keys), Repeat(values), context.Full);
        var joined = attended.transpose(1, 2).reshape(batch, time, _config.HiddenSize);
        return OProj(joined).MoveToOuterDisposeScope();

        // [batch, time, heads * headDim] to [batch, heads, time, headDim]
        Tensor Heads(Tensor projected, int heads) => projected.view(batch, time, heads, _config.HeadDim).transpose(1, 2);
    }

    // On a CPU the kernel's backward pass in bf16 takes about five times as long as in fp32.
    private static Tensor Attend(Tensor queries, Tensor keys, Tensor values, AttentionMask mask)
    {
        var dtype = queries.dtype;
        var computing = queries.device_type == DeviceType.CPU && queries.requires_grad ? ScalarType.Float32 : dtype;
        return functional.scaled_dot_product_attention(
            queries.to_type(computing), keys.to_type(computing), values.to_type(computing), mask.Additive, is_casual: mask.IsCausal).to_type(dtype);
    }

    // Each key-value head serves the same number of query heads; the native kernel wants them spelt out.
    private Tensor Repeat(Tensor heads)
    {
        var copies = _config.NumAttentionHeads / _config.NumKeyValueHeads;
        return copies == 1 ? heads : heads.repeat_interleave(copies, dim: 1);
    }
}
