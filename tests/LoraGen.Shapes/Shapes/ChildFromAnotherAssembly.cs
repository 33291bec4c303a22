using LoraGen;
using Sample.Library;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Children whose class is another assembly's.</summary>
[LoraModel]
public sealed partial class ChildFromAnotherAssembly : Module<Tensor, Tensor>
{
    private readonly Shelf top;
    private readonly ModuleList<Shelf> shelves;

    /// <summary>shelves.1(shelves.0(top(x))).</summary>
    public ChildFromAnotherAssembly(long width)
        : base(nameof(ChildFromAnotherAssembly))
    {
        (top, shelves) = (new Shelf(width), [new Shelf(width), new Shelf(width)]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => shelves[1].call(shelves[0].call(top.call(x)));
}
