using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample.Library;

/// <summary>A base class for models of other assemblies.</summary>
[LoraModel]
public abstract partial class Drawer : Module<Tensor, Tensor>
{
    /// <summary>What derived classes call through Push.</summary>
    [LoraTarget] protected readonly Linear push;

    /// <summary>A part of a derived class, whose constructor registers.</summary>
    protected Drawer(string name, long width)
        : base(name)
    {
        push = Linear(width, width);
    }
}
