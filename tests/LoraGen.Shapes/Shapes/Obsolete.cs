using System;
using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

#pragma warning disable CS0618 // the user knows

/// <summary>A child and a target that are obsolete, of which the user wants to hear no more.</summary>
[LoraModel]
public sealed partial class KeepsTheObsolete : Module<Tensor, Tensor>
{
    [Obsolete("Use the block.")]
    [LoraTarget]
    private readonly Linear old;

    private readonly OldBlock block;

    /// <summary>block(old(x)).</summary>
    public KeepsTheObsolete(long width)
        : base(nameof(KeepsTheObsolete))
    {
        (old, block) = (Linear(width, width), new OldBlock(width));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => block.call(Old(x));
}

/// <summary>An obsolete model.</summary>
[Obsolete("Use a Block.")]
[LoraModel]
public sealed partial class OldBlock : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear up;

    /// <summary>up(x).</summary>
    public OldBlock(long width)
        : base(nameof(OldBlock))
    {
        up = Linear(width, width);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Up(x);
}
