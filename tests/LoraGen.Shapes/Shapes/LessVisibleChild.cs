using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A public model whose children's class is internal: the adapter's fields for them are internal too.</summary>
[LoraModel]
public sealed partial class LessVisibleChild : Module<Tensor, Tensor>
{
    private readonly Hidden one;
    private readonly ModuleList<Hidden> many;

    /// <summary>many.0(one(x)).</summary>
    public LessVisibleChild(long width)
        : base(nameof(LessVisibleChild))
    {
        (one, many) = (new Hidden(width), [new Hidden(width)]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => many[0].call(one.call(x));
}

/// <summary>What only this assembly sees.</summary>
[LoraModel]
internal sealed partial class Hidden : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear up;

    public Hidden(long width)
        : base(nameof(Hidden))
    {
        up = Linear(width, width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Up(x);
}
