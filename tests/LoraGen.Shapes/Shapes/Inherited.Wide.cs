using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A second target and a child.</summary>
[LoraModel]
public partial class Wide : Layer
{
    [LoraTarget] private readonly Linear down;
    private readonly Block block;

    /// <summary>A whole layer: block(down(up(x))).</summary>
    public Wide(long width)
        : this(nameof(Wide), width) => RegisterComponents();

    /// <inheritdoc cref="Layer(string, long)"/>
    protected Wide(string name, long width)
        : base(name, width)
    {
        (down, block) = (Linear(width, width), new Block(width));
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => block.call(Down(Up(x)));
}
