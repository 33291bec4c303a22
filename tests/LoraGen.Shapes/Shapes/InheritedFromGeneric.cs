using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A generic, abstract base class.</summary>
/// <typeparam name="TActivation">What follows the projection.</typeparam>
[LoraModel]
public abstract partial class Activated<TActivation> : Module<Tensor, Tensor>
    where TActivation : Module<Tensor, Tensor>, new()
{
    [LoraTarget] private readonly Linear up;
    private readonly TActivation act;

    /// <inheritdoc cref="Layer(string, long)"/>
    protected Activated(string name, long width)
        : base(name)
    {
        (up, act) = (Linear(width, width), new TActivation());
    }

    /// <summary>act(up(x)).</summary>
    protected Tensor Project(Tensor x) => act.call(Up(x));
}

/// <summary>Derives from one construction of it.</summary>
[LoraModel]
public sealed partial class InheritedFromGeneric : Activated<Square>
{
    [LoraTarget] private readonly Linear down;

    /// <summary>down(act(up(x))).</summary>
    public InheritedFromGeneric(long width)
        : base(nameof(InheritedFromGeneric), width)
    {
        down = Linear(width, 3);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Down(Project(x));
}

/// <summary>Derives from a construction with a type parameter of its own.</summary>
/// <typeparam name="T">Handed on.</typeparam>
[LoraModel]
public sealed partial class StillGeneric<T> : Activated<T>
    where T : Module<Tensor, Tensor>, new()
{
    private readonly Activated<T> inner;

    /// <summary>act(up(x)), and the same of the inner one after it.</summary>
    public StillGeneric(long width, Activated<T> inner)
        : base(nameof(StillGeneric<T>), width)
    {
        this.inner = inner;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => inner.call(Project(x));
}
