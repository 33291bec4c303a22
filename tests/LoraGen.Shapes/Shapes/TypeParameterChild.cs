using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>Children whose class is a type parameter.</summary>
/// <typeparam name="TLayer">A layer of any class.</typeparam>
[LoraModel]
public sealed partial class TypeParameterChild<TLayer> : Module<Tensor, Tensor>
    where TLayer : Layer
{
    private readonly TLayer one;
    private readonly TLayer? two;
    private readonly ModuleList<TLayer> many;

    /// <summary>many.0(two(one(x))), or without two.</summary>
    public TypeParameterChild(TLayer first, TLayer? second, TLayer inList)
        : base(nameof(TypeParameterChild<TLayer>))
    {
        (one, two, many) = (first, second, [inList]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = one.call(x);
        return many[0].call(two?.call(x) ?? x);
    }
}
