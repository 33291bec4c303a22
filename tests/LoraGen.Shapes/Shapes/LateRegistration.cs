using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Derives from a class that registers in its own constructor, before the fields of this one are assigned.</summary>
[LoraModel]
public sealed partial class LateRegistration : Early
{
    [LoraTarget] private readonly Linear down;

    /// <summary>down(up(x)); <paramref name="registers"/>: whether the projection is made known to TorchSharp.</summary>
    public LateRegistration(long width, bool registers)
        : base(width)
    {
        down = Linear(width, 3);
        if (registers)
        {
            register_module(nameof(down), down);
        }
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Down(base.forward(x));
}

/// <summary>Registers at once.</summary>
[LoraModel]
public partial class Early : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear up;

    /// <summary>up(x).</summary>
    public Early(long width)
        : base(nameof(Early))
    {
        up = Linear(width, width);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Up(x);
}
