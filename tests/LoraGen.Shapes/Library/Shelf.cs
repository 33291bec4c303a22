using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample.Library;

/// <summary>A model of a library that others build upon: x + put(x).</summary>
[LoraModel]
public sealed partial class Shelf : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 6)] private readonly Linear put;

    /// <summary>A shelf for vectors of one width.</summary>
    public Shelf(long width)
        : base(nameof(Shelf))
    {
        put = Linear(width, width);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => x + Put(x);
}
