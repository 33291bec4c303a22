using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Two children of one type and a list of more.</summary>
[LoraModel]
public sealed partial class Children : Module<Tensor, Tensor>
{
    private readonly Block first, second;
    private readonly ModuleList<Block> h;
    private readonly LayerNorm ln_f;
    [LoraTarget] private readonly Linear lm_head;

    /// <summary>lm_head(ln_f(h.1(h.0(second(first(x)))))).</summary>
    public Children(long width)
        : base(nameof(Children))
    {
        (first, second, h) = (new Block(width), new Block(width), [new Block(width), new Block(width)]);
        (ln_f, lm_head) = (LayerNorm(width), Linear(width, 3, hasBias: false));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = second.call(first.call(x));
        foreach (var block in h)
        {
            x = block.call(x);
        }

        return LmHead(ln_f.call(x));
    }
}
