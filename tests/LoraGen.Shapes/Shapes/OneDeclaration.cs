using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Several variables in one declaration.</summary>
[LoraModel]
public sealed partial class OneDeclaration : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 3, Alpha = 6)] private readonly Linear q, k, v;
    private readonly Linear o, p;

    /// <summary>o(q(x) + k(x) + v(x)) + p(x).</summary>
    public OneDeclaration(long width)
        : base(nameof(OneDeclaration))
    {
        (q, k, v, o, p) = (Linear(width, 3), Linear(width, 3), Linear(width, 3), Linear(3, 2), Linear(width, 2));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => o.call(Q(x) + K(x) + V(x)) + p.call(x);
}
