using LoraGen;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Fields that are called what locals and parameters of the generated code are called, and a name that no text can hold as it is.</summary>
[LoraModel]
public sealed partial class OddNames : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear x, model, sites;
    private readonly Block builder, i, own;

    [ComponentName(Name = "{odd} <\"näme\">")]
    private readonly ModuleList<Block> adapter;

    /// <summary>The projections one after the other, then the children.</summary>
    public OddNames(long width)
        : base(nameof(OddNames))
    {
        (x, model, sites) = (Linear(width, width), Linear(width, width), Linear(width, width));
        (builder, i, own, adapter) = (new Block(width), new Block(width), new Block(width), [new Block(width)]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => adapter[0].call(own.call(i.call(builder.call(Sites(Model(X(input)))))));
}
