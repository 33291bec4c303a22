using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// The update of a <c>Conv1d</c>, <c>Conv2d</c> or <c>Conv3d</c>: y = W0 * x + b + s B * (A * x), weight W0 [out, in, kernel...]. A
/// [r, in, kernel...] is a convolution with the base's stride, padding, dilation and padding mode, read from it in every call; B [out, r, 1...]
/// is one of kernel 1; so what is added to the weight is s B A, with the kernel's places as so many more inputs (PEFT: the <c>lora_A</c> and
/// <c>lora_B</c> of its <c>_ConvNd</c>). See <see cref="LowRankUpdate"/>.
/// </summary>
/// <remarks>
/// A convolution of several groups is refused when the adapter is made: in PEFT's files A takes in the channels of all groups, and no change of
/// the weight does that. It can be saved whole (<see cref="LoraConfig.ModulesToSave"/>). As in PEFT, dropout drops single values of the input.
/// </remarks>
public sealed class ConvUpdate : LowRankUpdate
{
    private readonly int _axes;

    /// <param name="parts">What every update has.</param>
    /// <param name="axes">How many sides the kernel has.</param>
    internal ConvUpdate(UpdateParts parts, int axes)
        : base(parts, UpdateKind.Convolution) => _axes = axes;

    /// <summary>The base's result, plus the update where there is one. Generated code calls it; it never forms B A.</summary>
    /// <param name="projection">The base's convolution, weight [out, in, kernel...].</param>
    /// <param name="update">The update, or null for the base alone.</param>
    /// <param name="x">[N, in, ...], or [in, ...] without a batch.</param>
    /// <returns>[N, out, ...] or [out, ...], in the dtype of x.</returns>
    /// <exception cref="LoraException">
    /// The update was disposed or the base moved to another device while it was active, or the weight came to carry a merged adapter
    /// through another model that shares it.
    /// </exception>
    public static Tensor Forward(Convolution projection, ConvUpdate? update, Tensor x)
        => update is { IsActive: true } ? update.Apply(projection, x) : projection.call(x);

    /// <summary>Checks that a projection, if it is a convolution, is one that can be adapted.</summary>
    /// <exception cref="LoraException">It has several groups.</exception>
    internal static void RequireOneGroup(string path, nn.Module projection)
    {
        if (projection is Convolution { groups: not 1 and var groups })
        {
            throw new LoraException($"{path}: groups: expected 1, found {groups}: PEFT's A takes in the channels of all groups, which no change of the weight does. Leave it out with {nameof(LoraConfig)}.{nameof(LoraConfig.ExcludeModules)}, or train it whole with {nameof(LoraConfig.ModulesToSave)}.");
        }
    }

    /// <summary>Checks that an adapter which PEFT trained on such a convolution computes the same here.</summary>
    /// <exception cref="LoraException">PEFT's A, which is never dilated and pads with zeros, is another convolution than the base's.</exception>
    internal static void RequireAsInPeft(string place, string path, Convolution projection)
    {
        var isDilated = projection.dilation.Zip(projection.kernel_size).Any(axis => axis is { First: > 1, Second: > 1 });
        var isPadded = projection.padding is null ? projection.padding_type == Padding.Same : projection.padding.Any(padding => padding > 0);
        if (isDilated || (isPadded && projection.padding_mode != PaddingModes.Zeros))
        {
            throw new LoraException($"{place}: {path}: expected a convolution without dilation that pads with zeros, found {(isDilated ? $"the dilation [{string.Join(", ", projection.dilation)}]" : $"the padding mode {projection.padding_mode}")}: PEFT leaves that out of A, so that what its adapter has learned is no change of this weight. Train it here, where A is like the base; an adapter that LoraGen saved is read.");
        }
    }

    internal override int RowAxes => _axes + 1;

    internal override Tensor RowsOf(Tensor x) => x;

    internal override Tensor Unfolded(Tensor result, Tensor x) => result;

    internal override Tensor Reduce(nn.Module projection, Tensor x, Tensor a) => ConvGeometry.Convolve((Convolution)projection, x, a, bias: null);

    private protected override Tensor AddProduct(Tensor result, Tensor reduced, Tensor b) => result.add_(ConvGeometry.Pointwise(reduced, b), alpha: Scale.Factor);

    private protected override Tensor Compute(nn.Module projection, Tensor x, Tensor weight, Tensor? bias) => ConvGeometry.Convolve((Convolution)projection, x, weight, bias);

    // [out] to [out, 1...], since the outputs are not the last axis.
    private protected override Tensor PerOutput(Tensor values) => values.view([-1, .. Enumerable.Repeat(1L, _axes)]);
}
