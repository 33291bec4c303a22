using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Derives from a model through a class that is none.</summary>
[LoraModel]
public sealed partial class Deep : Between
{
    [LoraTarget] private readonly Linear down;

    /// <summary>down(plain(up(x))).</summary>
    public Deep(long width)
        : base(nameof(Deep), width)
    {
        down = Linear(width, 3);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Down(base.forward(x));
}

/// <summary>Not a [LoraModel]: as a child, it is adapted as the <see cref="Layer"/> that it is.</summary>
public class Between : Layer
{
    private readonly Linear plain;

    /// <summary>A whole layer: plain(up(x)).</summary>
    public Between(long width)
        : this(nameof(Between), width) => RegisterComponents();

    /// <inheritdoc cref="Layer(string, long)"/>
    protected Between(string name, long width)
        : base(name, width)
    {
        plain = Linear(width, width);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => plain.call(Up(x));
}
