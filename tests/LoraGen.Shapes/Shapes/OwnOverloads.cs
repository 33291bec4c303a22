using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Children whose class, no [LoraModel] itself, has overloads that C# would prefer to the generated methods.</summary>
[LoraModel]
public sealed partial class OwnOverloads : Module<Tensor, Tensor>
{
    private readonly Overloading one;
    private readonly ModuleList<Overloading> h;

    /// <summary>h.0(one(x)).</summary>
    public OwnOverloads(long width)
        : base(nameof(OwnOverloads))
    {
        (one, h) = (new Overloading(width), [new Overloading(width)]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => h[0].call(one.call(x));
}

/// <summary>A layer with methods of its own under generated names.</summary>
public sealed class Overloading(long width) : Between(width)
{
    /// <summary>Takes whatever is given, and does nothing with it.</summary>
    public static void Attach(Module? hook) => System.GC.KeepAlive(hook);

    /// <summary>Takes whatever is given, and does nothing with it.</summary>
    public static void AddSites(Module adapter, object sites) => System.GC.KeepAlive((adapter, sites));

    /// <summary>Takes whatever is given, and refuses it.</summary>
    public static Adapter NewAdapter(object builder) => throw new System.NotSupportedException($"{builder}");
}
