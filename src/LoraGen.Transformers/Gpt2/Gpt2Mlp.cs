using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Gpt2;

/// <summary>Feed-forward: c_proj(activation(c_fc(x))).</summary>
[LoraModel]
public sealed partial class Gpt2Mlp : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Conv1D c_fc;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Conv1D c_proj;

    private readonly Func<Tensor, Tensor> _activation;
    private readonly double _dropout;

    internal Gpt2Mlp(Gpt2Config config, Weights weights)
        : base(nameof(Gpt2Mlp))
    {
        c_fc = weights.Conv1D(config.Width, config.InnerWidth);
        c_proj = weights.Conv1D(config.InnerWidth, config.Width);
        _activation = Activation.Of(config.ActivationFunction);
        _dropout = config.ResidPdrop;
        RegisterComponents();
    }

    /// <summary>x [..., width] to [..., width].</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return functional.dropout(CProj(_activation(CFc(x))), _dropout, training).MoveToOuterDisposeScope();
    }
}
