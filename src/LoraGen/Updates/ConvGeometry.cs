using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>What a convolution does with another weight than its own.</summary>
internal static class ConvGeometry
{
    /// <summary>
    /// The forward of a TorchSharp convolution (0.107): its stride, padding, dilation, groups and padding mode, all of which can be set later
    /// and are read anew in each call.
    /// </summary>
    /// <param name="like">A <c>Conv1d</c>, <c>Conv2d</c> or <c>Conv3d</c>.</param>
    /// <param name="x">[N, in, ...] or [in, ...]</param>
    /// <param name="weight">[any, in / groups, kernel...]</param>
    /// <param name="bias">[any], or null.</param>
    /// <exception cref="LoraException">It is another convolution, such as a transposed one.</exception>
    public static Tensor Convolve(Convolution like, Tensor x, Tensor weight, Tensor? bias)
    {
        if (like.padding_mode == PaddingModes.Zeros)
        {
            return Convolve(like, x, weight, bias, like.padding, like.padding_type ?? Padding.Valid);
        }

        using var padded = nn.functional.pad(x, PaddingOfInput(like), like.padding_mode);
        return Convolve(like, padded, weight, bias, [.. like.kernel_size.Select(_ => 0L)], Padding.Valid);
    }

    private static Tensor Convolve(Convolution like, Tensor x, Tensor weight, Tensor? bias, long[]? padding, Padding type) => (like, padding) switch
    {
        (Conv1d, [var length]) => nn.functional.conv1d(x, weight, bias, like.stride[0], length, like.dilation[0], like.groups),
        (Conv2d, not null) => nn.functional.conv2d(x, weight, bias, like.stride, padding, like.dilation, like.groups),
        (Conv3d, not null) => nn.functional.conv3d(x, weight, bias, like.stride, padding, like.dilation, like.groups),
        (Conv1d, _) => nn.functional.conv1d_padding(x, weight, bias, like.stride[0], type, like.dilation[0], like.groups),
        (Conv2d, _) => nn.functional.conv2d_padding(x, weight, bias, like.stride, type, like.dilation, like.groups),
        (Conv3d, _) => nn.functional.conv3d_padding(x, weight, bias, like.stride, type, like.dilation, like.groups),
        _ => throw new LoraException($"Expected a Conv1d, a Conv2d or a Conv3d, found {like.GetType().Name}."),
    };

    /// <summary>A convolution of kernel 1 without a bias: the same matrix at every place.</summary>
    /// <param name="x">[N, r, ...] or [r, ...]</param>
    /// <param name="weight">[out, r, 1...]</param>
    public static Tensor Pointwise(Tensor x, Tensor weight) => weight.dim() switch
    {
        3 => nn.functional.conv1d(x, weight),
        4 => nn.functional.conv2d(x, weight),
        _ => nn.functional.conv3d(x, weight),
    };

    // What the module itself pads by where it does not pad with zeros. Not worked out here from the padding, since TorchSharp's order of the
    // axes is not PyTorch's where the padding is "same" and the kernel's sides differ.
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_reversed_padding_repeated_twice")]
    private static extern ref long[] PaddingOfInput(Convolution convolution);
}
