using LoraGen;
using Sample.Library;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Derives from a model of another assembly.</summary>
[LoraModel]
public sealed partial class InheritedFromAnotherAssembly : Drawer
{
    [LoraTarget] private readonly Linear pull;

    /// <summary>pull(push(x)).</summary>
    public InheritedFromAnotherAssembly(long width)
        : base(nameof(InheritedFromAnotherAssembly), width)
    {
        pull = Linear(width, 3);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Pull(Push(x));
}
