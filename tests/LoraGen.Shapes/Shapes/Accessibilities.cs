using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Targets that others may use to every degree; their accessors have the same.</summary>
[LoraModel]
public partial class Accessibilities : Module<Tensor, Tensor>
{
    /// <summary>For everyone.</summary>
    [LoraTarget] public readonly Linear a;

    /// <summary>For derived classes, and for this assembly.</summary>
    [LoraTarget] protected internal readonly Linear b;

    /// <summary>For derived classes.</summary>
    [LoraTarget] protected readonly Linear c;

    [LoraTarget] internal readonly Linear d;
    [LoraTarget] private protected readonly Linear e;
    [LoraTarget] private readonly Linear f;

    /// <summary>The projections one after the other.</summary>
    public Accessibilities(long width)
        : base(nameof(Accessibilities))
    {
        (a, b, c) = (Linear(width, width), Linear(width, width), Linear(width, width));
        (d, e, f) = (Linear(width, width), Linear(width, width), Linear(width, width));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => F(E(D(C(B(A(x))))));
}
