using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Sample;

public sealed partial class SeveralFiles
{
    [LoraTarget(Rank = 1)] private readonly Linear third;

    private Tensor Project(Tensor x) => Third(Second(First(x)));
}
