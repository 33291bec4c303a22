using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A model that other shapes have for a child.</summary>
[LoraModel]
public sealed partial class Block : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 6)] private readonly Linear up;

    /// <summary>x + up(x) for vectors of one width.</summary>
    public Block(long width)
        : base(nameof(Block))
    {
        up = Linear(width, width);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => x + Up(x);
}
