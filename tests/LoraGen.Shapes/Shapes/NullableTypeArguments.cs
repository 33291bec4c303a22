using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A base class and children whose type arguments may be null, and a child that may be null itself.</summary>
[LoraModel]
public sealed partial class NullableTypeArguments : Tagged<string?>
{
    private readonly Tagged<(string? Name, int Number)> one;
    private readonly Tagged<string?>? two;
    private readonly ModuleList<Tagged<Tagged<string?>?>> h;

    /// <summary>h.0(two(one(up(x)))).</summary>
    public NullableTypeArguments(long width)
        : base(width, tag: null)
    {
        (one, two, h) = (new(width, default), new Tagged<string?>(width, tag: null), [new(width, tag: null)]);
        register_module(nameof(one), one);
        register_module(nameof(two), two);
        register_module(nameof(h), h);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = one.call(base.forward(x));
        return h[0].call(two?.call(x) ?? x);
    }
}

/// <summary>A projection with a mark.</summary>
/// <typeparam name="T">Any type, with null or without.</typeparam>
[LoraModel]
public partial class Tagged<T> : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear up;

    /// <summary>up(x).</summary>
    public Tagged(long width, T tag)
        : base(nameof(Tagged<T>))
    {
        (up, Tag) = (Linear(width, width), tag);
        RegisterComponents();
    }

    /// <summary>The mark.</summary>
    public T Tag { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Up(x);
}
