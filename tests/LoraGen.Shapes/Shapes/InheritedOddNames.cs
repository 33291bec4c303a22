using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>
/// A derived class whose fields are called what locals and parameters of the generated code are called. All but one may be absent.
/// </summary>
[LoraModel]
public sealed partial class InheritedOddNames : Layer
{
    [LoraTarget] private readonly Linear own;
    [LoraTarget] private readonly Linear? sites, x;
    private readonly Block? adapter, model;
    private readonly ModuleList<Block>? i, builder;

    /// <summary>The projections one after the other, then the children, each where there is one.</summary>
    public InheritedOddNames(long width)
        : base(nameof(InheritedOddNames), width)
    {
        own = Linear(width, width);
        (sites, adapter, i) = (Linear(width, width), new Block(width), [new Block(width)]);
        (x, model, builder) = (null, null, null);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        var y = Own(Up(x));
        y = sites is null ? y : Sites(y);
        y = this.x is null ? y : X(y);
        y = adapter?.call(y) ?? y;
        y = model?.call(y) ?? y;
        y = i?[0].call(y) ?? y;
        return builder?[0].call(y) ?? y;
    }
}
