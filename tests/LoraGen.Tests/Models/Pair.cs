using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>left(x) + right(y), both of which begin with their activations, and a dropout to tell the mode by.</summary>
[LoraModel]
public sealed partial class Pair : Module<Tensor, Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 6, Init = LoraInit.Eva)] private readonly Linear left;
    [LoraTarget(Rank = 2, Alpha = 6, Init = LoraInit.Eva)] private readonly Linear right;
    private readonly Dropout dropout;

    public Pair(long width, ScalarType dtype = ScalarType.Float32)
        : base(nameof(Pair))
    {
        (left, right, dropout) = (Linear(width, width, dtype: dtype), Linear(width, width, dtype: dtype), Dropout());
        RegisterComponents();
    }

    /// <summary>What happens to the input between the two calls.</summary>
    public Action<Tensor>? Between { get; set; }

    public override Tensor forward(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        var first = Left(x);
        Between?.Invoke(y);
        return dropout.call(first + Right(y)).MoveToOuterDisposeScope();
    }
}
