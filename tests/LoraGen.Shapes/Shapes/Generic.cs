using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Type parameters, constraints, and a list of another construction of the same class.</summary>
/// <typeparam name="TActivation">The function after each projection.</typeparam>
/// <typeparam name="T">Nothing but another type parameter.</typeparam>
[LoraModel]
public sealed partial class GenericModel<TActivation, T> : Module<Tensor, Tensor>
    where TActivation : Module<Tensor, Tensor>, new()
    where T : notnull
{
    [LoraTarget] private readonly Linear up;
    private readonly TActivation act;
    private readonly ModuleList<GenericModel<TActivation, int>> inner = new();

    /// <summary>act(up(x)), <paramref name="depth"/> times more.</summary>
    public GenericModel(long width, int depth)
        : base(nameof(GenericModel<TActivation, T>))
    {
        (up, act) = (Linear(width, width), new TActivation());
        if (depth > 0)
        {
            inner = [new GenericModel<TActivation, int>(width, depth - 1)];
        }

        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = act.call(Up(x));
        foreach (var next in inner)
        {
            x = next.call(x);
        }

        return x;
    }
}

/// <summary>x * x: a class that a type parameter can make, which TorchSharp's activations are not.</summary>
public sealed class Square() : Module<Tensor, Tensor>(nameof(Square))
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => x * x;
}
