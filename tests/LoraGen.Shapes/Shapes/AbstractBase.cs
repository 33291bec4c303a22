using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A base class that has nothing to adapt, and whose derived classes have.</summary>
[LoraModel]
public abstract partial class AbstractBase(string name) : Module<Tensor, Tensor>(name);

/// <summary>One derived class.</summary>
[LoraModel]
public sealed partial class Upwards : AbstractBase
{
    [LoraTarget] private readonly Linear up;

    /// <summary>up(x).</summary>
    public Upwards(long width)
        : base(nameof(Upwards))
    {
        up = Linear(width, width);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Up(x);
}

/// <summary>Another, with other names.</summary>
[LoraModel]
public sealed partial class Downwards : AbstractBase
{
    [LoraTarget(Rank = 3)] private readonly Linear down;

    /// <summary>down(x).</summary>
    public Downwards(long width)
        : base(nameof(Downwards))
    {
        down = Linear(width, width);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Down(x);
}

/// <summary>A list of both.</summary>
[LoraModel]
public sealed partial class AbstractChildren : Module<Tensor, Tensor>
{
    private readonly ModuleList<AbstractBase> h;

    /// <summary>h.1(h.0(x)).</summary>
    public AbstractChildren(long width)
        : base(nameof(AbstractChildren))
    {
        h = [new Upwards(width), new Downwards(width)];
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => h[1].call(h[0].call(x));
}
