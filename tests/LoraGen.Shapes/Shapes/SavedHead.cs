using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A projection with an update, below a head that every adapter trains whole.</summary>
[LoraModel(ModulesToSave = ["classifier"])]
public partial class SavedHead : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 5)] private readonly Linear up;
    [LoraTarget(ByDefault = false, OutputHead = true)] private readonly Linear classifier;

    /// <summary>classifier(up(x)).</summary>
    public SavedHead(long width)
        : base(nameof(SavedHead))
    {
        (up, classifier) = (Linear(width, 6), Linear(6, 3));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Classifier(Up(x));
}
