using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

public sealed partial class SeveralFiles
{
    [LoraTarget(Rank = 2, Alpha = 1e-1)] private readonly Linear second;
    private readonly Block last;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => last.call(Project(x));
}
