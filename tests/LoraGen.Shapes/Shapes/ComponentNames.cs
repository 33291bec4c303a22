using LoraGen;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Fields that TorchSharp registers under another name than their own.</summary>
[LoraModel]
public sealed partial class ComponentNames : Module<Tensor, Tensor>
{
    [ComponentName(Name = "c_fc")]
    [LoraTarget]
    private readonly Linear _up;

    [ComponentName(Name = "ln")] private readonly Block _block;
    [ComponentName(Name = "h")] private readonly ModuleList<Block> _blocks;

    /// <summary>h.1(h.0(ln(c_fc(x)))).</summary>
    public ComponentNames(long width)
        : base(nameof(ComponentNames))
    {
        (_up, _block, _blocks) = (Linear(width, 3), new Block(3), [new Block(3), new Block(3)]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => _blocks[1].call(_blocks[0].call(_block.call(Up(x))));
}
