using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Llama;

/// <summary>SwiGLU feed-forward: down(silu(gate(x)) * up(x)).</summary>
[LoraModel]
public sealed partial class LlamaMlp : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear gate_proj;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear up_proj;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Linear down_proj;

    internal LlamaMlp(LlamaConfig config, Weights weights)
        : base(nameof(LlamaMlp))
    {
        gate_proj = weights.Linear(config.HiddenSize, config.IntermediateSize, config.MlpBias);
        up_proj = weights.Linear(config.HiddenSize, config.IntermediateSize, config.MlpBias);
        down_proj = weights.Linear(config.IntermediateSize, config.HiddenSize, config.MlpBias);
        RegisterComponents();
    }

    /// <summary>x [..., hidden] to [..., hidden].</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return DownProj(functional.silu(GateProj(x)) * UpProj(x)).MoveToOuterDisposeScope();
    }
}
