using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>x * x: a class that a type parameter can make, which TorchSharp's activations are not.</summary>
public sealed class Square() : Module<Tensor, Tensor>(nameof(Square))
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => x * x;
}
