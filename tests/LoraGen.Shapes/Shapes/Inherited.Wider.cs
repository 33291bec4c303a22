using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>The third level: a child and a list, and no target of its own.</summary>
[LoraModel]
public sealed partial class Wider : Wide
{
    private readonly Layer last;
    private readonly ModuleList<Block> h;

    /// <summary>h.0(last(block(down(up(x))))).</summary>
    public Wider(long width)
        : base(nameof(Wider), width)
    {
        (last, h) = (new Layer(width), [new Block(width)]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => h[0].call(last.call(base.forward(x)));
}
