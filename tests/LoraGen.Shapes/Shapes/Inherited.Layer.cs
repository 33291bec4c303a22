using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A model that others derive from. Its field is protected, and so is the accessor, which they call.</summary>
[LoraModel]
public partial class Layer : Module<Tensor, Tensor>
{
    /// <summary>What derived classes call through Up.</summary>
    [LoraTarget(Rank = 2, Alpha = 6)] protected readonly Linear up;

    /// <summary>A whole layer: x + up(x).</summary>
    public Layer(long width)
        : this(nameof(Layer), width) => RegisterComponents();

    /// <summary>A part of a derived class, whose constructor registers: TorchSharp does it once, with what is assigned by then.</summary>
    protected Layer(string name, long width)
        : base(name)
    {
        up = Linear(width, width);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => x + Up(x);
}
