using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A class in three files, each with its share of fields; the attribute and the constructor are in this one.</summary>
[LoraModel]
public sealed partial class SeveralFiles : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear first;

    /// <summary>last(third(second(first(x)))).</summary>
    public SeveralFiles(long width)
        : base(nameof(SeveralFiles))
    {
        (first, second, third, last) = (Linear(width, 5), Linear(5, 4), Linear(4, 3), new Block(3));
        RegisterComponents();
    }
}
