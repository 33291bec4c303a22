using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Children and targets that may be one and the same object.</summary>
[LoraModel]
public sealed partial class Tied : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear up, down;
    private readonly Block first, second;
    private readonly ModuleList<Block> h;

    /// <summary>h.1(h.0(second(first(down(up(x)))))).</summary>
    public Tied((Linear Up, Linear Down) targets, (Block First, Block Second) children, ModuleList<Block> list)
        : base(nameof(Tied))
    {
        (up, down) = targets;
        (first, second) = children;
        h = list;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => h[1].call(h[0].call(second.call(first.call(Down(Up(x))))));
}
