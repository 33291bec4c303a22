using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Accessors with names of their own, and all ways in which a field's name becomes one.</summary>
[LoraModel]
public sealed partial class AccessorNames : Module<Tensor, Tensor>
{
    [LoraTarget(Name = "Query")] private readonly Linear q_proj;
    [LoraTarget(Name = "_key")] private readonly Linear KProj;
    [LoraTarget] private readonly Linear c_fc, _upProj, wo, __h2__4h;

    /// <summary>The projections one after the other.</summary>
    public AccessorNames(long width)
        : base(nameof(AccessorNames))
    {
        (q_proj, KProj) = (Linear(width, width), Linear(width, width));
        (c_fc, _upProj, wo, __h2__4h) = (Linear(width, width), Linear(width, width), Linear(width, width), Linear(width, width));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => H24h(Wo(UpProj(CFc(_key(Query(x))))));
}
