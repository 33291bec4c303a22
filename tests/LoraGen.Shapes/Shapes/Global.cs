using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

/// <summary>A class outside all namespaces.</summary>
[LoraModel]
public sealed partial class GlobalModel : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear up;

    /// <summary>up(x).</summary>
    public GlobalModel(long width)
        : base(nameof(GlobalModel))
    {
        up = Linear(width, 3);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Up(x);
}
