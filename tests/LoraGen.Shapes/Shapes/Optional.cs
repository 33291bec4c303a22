using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A target, a child and a list that some objects of the class have and others have not.</summary>
[LoraModel]
public sealed partial class OptionalParts : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear up;
    [LoraTarget] private readonly Linear? gate;
    private readonly Block? block;
    private readonly ModuleList<Block>? more;

    /// <summary>more.0(block(gate(up(x)))), each where there is one.</summary>
    public OptionalParts(long width, bool isWhole)
        : base(nameof(OptionalParts))
    {
        up = Linear(width, width);
        if (isWhole)
        {
            (gate, block, more) = (Linear(width, width), new Block(width), [new Block(width)]);
        }

        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = Up(x);
        x = gate is null ? x : Gate(x);
        x = block?.call(x) ?? x;
        return more?[0].call(x) ?? x;
    }
}
