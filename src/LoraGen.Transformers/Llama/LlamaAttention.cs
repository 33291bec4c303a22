using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Llama;

/// <summary>Grouped-query self-attention with rotary positions, and whatever of biases, norms and a sliding window the config asks for.</summary>
[LoraModel]
public sealed partial class LlamaAttention : Module<Tensor, AttentionContext, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear q_proj;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear k_proj;
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear v_proj;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear o_proj;

    // Qwen3 alone has them: one gain for the heads of a layer.
    private readonly RmsNorm? q_norm;
    private readonly RmsNorm? k_norm;

    private readonly int _layer;
    private readonly LlamaConfig _config;

    internal LlamaAttention(LlamaConfig config, int layer, Weights weights)
        : base(nameof(LlamaAttention))
    {
        (_config, _layer) = (config, layer);
        var (queryWidth, keyValueWidth) = (config.NumAttentionHeads * config.HeadDim, config.NumKeyValueHeads * config.HeadDim);
        q_proj = weights.Linear(config.HiddenSize, queryWidth, config.QueryKeyValueBias);
        k_proj = weights.Linear(config.HiddenSize, keyValueWidth, config.QueryKeyValueBias);
        v_proj = weights.Linear(config.HiddenSize, keyValueWidth, config.QueryKeyValueBias);
        o_proj = weights.Linear(queryWidth, config.HiddenSize, config.AttentionBias);
        q_norm = config.QueryKeyNorm ? new RmsNorm(config.HeadDim, config.RmsNormEps, weights) : null;
        k_norm = config.QueryKeyNorm ? new RmsNorm(config.HeadDim, config.RmsNormEps, weights) : null;
        RegisterComponents();
    }

    /// <summary>x [batch, time, hidden] to [batch, time, hidden].</summary>
    public override Tensor forward(Tensor x, AttentionContext context)
    {
        using var scope = NewDisposeScope();
        var (batch, time) = (x.shape[0], x.shape[1]);

        var queries = Turned(Heads(QProj(x), _config.NumAttentionHeads), q_norm);
        var keys = Turned(Heads(KProj(x), _config.NumKeyValueHeads), k_norm);
        var values = Heads(VProj(x), _config.NumKeyValueHeads);
        if (context.Cache is not null)
        {
            (keys, values) = context.Cache.Append(_layer, keys, values);
        }

        var attended = DotProductAttention.Attend(queries, Repeat(keys), Repeat(values), _config.IsWindowed(_layer) ? context.Windowed : context.Full);
        var joined = attended.transpose(1, 2).reshape(batch, time, -1); // [batch, time, heads * headDim]
        return OProj(joined).MoveToOuterDisposeScope();

        // [batch, time, heads * headDim] to [batch, heads, time, headDim]
        Tensor Heads(Tensor projected, int heads) => projected.view(batch, time, heads, _config.HeadDim).transpose(1, 2);

        Tensor Turned(Tensor heads, RmsNorm? norm) => context.Rotary!.Turn(norm is null ? heads : norm.call(heads));
    }

    // Each key-value head serves the same number of query heads; the native kernel wants them spelt out.
    private Tensor Repeat(Tensor heads)
    {
        var copies = _config.NumAttentionHeads / _config.NumKeyValueHeads;
        return copies == 1 ? heads : heads.repeat_interleave(copies, dim: 1);
    }
}
