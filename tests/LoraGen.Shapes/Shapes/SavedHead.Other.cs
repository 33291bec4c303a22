using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>One that says so of another head, which it has beside its base class's.</summary>
[LoraModel(ModulesToSave = ["other"])]
public sealed partial class SavedOtherHead : SavedHead
{
    [LoraTarget(ByDefault = false)] private readonly Linear other;

    /// <summary>other(classifier(up(x))).</summary>
    public SavedOtherHead(long width)
        : base(width)
    {
        other = Linear(3, 2);
        register_module(nameof(other), other);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Other(base.forward(x));
}
