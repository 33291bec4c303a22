using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>One projection with a bias and one without.</summary>
[LoraModel]
public sealed partial class Bias : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear with;
    [LoraTarget] private readonly Linear without;

    /// <summary>without(with(x)).</summary>
    public Bias(long width)
        : base(nameof(Bias))
    {
        with = Linear(width, 6);
        without = Linear(6, 3, hasBias: false);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Without(With(x));
}
