using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A list and a field of a base class that hold objects of derived classes, whose own targets must train too.</summary>
[LoraModel]
public sealed partial class MixedLayers : Module<Tensor, Tensor>
{
    private readonly ModuleList<Layer> h;
    private readonly Layer last;

    /// <summary>last(h.2(h.1(h.0(x)))): a Layer, a Wide, a class that is no [LoraModel], and a Wider.</summary>
    public MixedLayers(long width)
        : base(nameof(MixedLayers))
    {
        (h, last) = ([new Layer(width), new Wide(width), new Between(width)], new Wider(width));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        foreach (var layer in h)
        {
            x = layer.call(x);
        }

        return last.call(x);
    }
}
