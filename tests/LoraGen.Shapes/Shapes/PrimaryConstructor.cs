using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>
/// A primary constructor has no body that could call RegisterComponents. The base class's has, and runs after the fields are assigned.
/// </summary>
[LoraModel]
public sealed partial class PrimaryConstructor(Linear query, long width) : Registered(nameof(PrimaryConstructor))
{
    [LoraTarget] private readonly Linear q = query, k = Linear(width, 3);
    private readonly Block block = new(3);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => block.call(Q(x) + K(x));
}

/// <summary>Registers the fields of the derived class, whose initialisers run before this constructor.</summary>
public abstract class Registered : Module<Tensor, Tensor>
{
    /// <summary>For the derived class.</summary>
    protected Registered(string name)
        : base(name) => RegisterComponents();
}
