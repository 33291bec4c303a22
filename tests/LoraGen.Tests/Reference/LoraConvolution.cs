using TorchSharp;
using TorchSharp.Modules;

namespace LoraGen.Tests.Reference;

/// <summary>
/// y = (m / ||V||) V * x + b with V = W + s B A, and without a magnitude y = V * x + b, of a convolution with one, two or three axes, in float64
/// and in plain loops over each output: what torch.nn.Conv1d to Conv3d describe, arXiv 2106.09685 (section 4.1) and 2402.09353.
/// </summary>
/// <param name="Weight">[out, in, kernel...], row by row.</param>
/// <param name="Bias">[out], or null.</param>
/// <param name="A">[r, in times the kernel]</param>
/// <param name="B">[out, r]</param>
/// <param name="Scale">s</param>
/// <param name="Like">Where stride, padding, dilation and padding mode are taken from.</param>
internal sealed record LoraConvolution(double[] Weight, double[]? Bias, double[,] A, double[,] B, double Scale, Convolution Like)
{
    /// <summary>DoRA's m [out], or null.</summary>
    public double[]? Magnitude { get; init; }

    /// <summary>m / ||V||, where a derivative wants it held.</summary>
    public double[]? Held { get; init; }

    private int Out => B.GetLength(0);

    private int In => (int)Like.in_channels;

    private int Row => A.GetLength(1);

    public int Roundings => Row + A.GetLength(0) + 4;

    /// <summary>s B A, [out, in, kernel...].</summary>
    public double[] Delta => [.. Enumerable.Range(0, Weight.Length).Select(i => Scale * Enumerable.Range(0, A.GetLength(0)).Sum(k => B[i / Row, k] * A[k, i % Row]))];

    /// <summary>m / ||V|| of each output.</summary>
    public double[] Ratio => Held ?? [.. Enumerable.Range(0, Out).Select(o => Magnitude![o] / Math.Sqrt(Sum().AsSpan(o * Row, Row).ToArray().Sum(value => value * value)))];

    /// <summary>(m / ||V||) V, or W + s B A.</summary>
    public double[] MergedWeight()
    {
        var sum = Sum();
        if (Magnitude is null)
            return sum;
        var ratio = Ratio;
        return [.. sum.Select((value, i) => ratio[i / Row] * value)];
    }

    /// <summary>The output for the inputs x, [N, in, ...] row by row, and its shape.</summary>
    /// <param name="x">The input.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="mask">What the update's input is multiplied by where there is dropout: the base's own part is that of x.</param>
    public double[] Forward(double[] x, long[] shape, double[]? mask = null)
    {
        var output = Convolve(mask is null ? MergedWeight() : Weight, x, shape);
        if (mask is not null)
        {
            var rest = Convolve([.. MergedWeight().Zip(Weight, (merged, weight) => merged - weight)], [.. x.Zip(mask, (value, kept) => value * kept)], shape);
            output = [.. output.Zip(rest, (left, right) => left + right)];
        }

        var places = output.Length / (int)shape[0] / Out;
        return [.. output.Select((value, i) => value + (Bias?[i / places % Out] ?? 0))];
    }

    /// <summary>The same with every number's absolute value: the sizes that rounding errors are proportional to.</summary>
    public LoraConvolution Absolute() => this with { Weight = [.. Weight.Select(Math.Abs)], Bias = Bias?.Select(Math.Abs).ToArray(), A = Matrices.Abs(A), B = Matrices.Abs(B) };

    private double[] Sum() => [.. Weight.Zip(Delta, (weight, delta) => weight + delta)];

    private double[] Convolve(double[] weight, double[] x, long[] shape)
    {
        // Axes that are not there have length 1.
        var (size, kernel) = (Three(shape[2..], 1), Three(Like.kernel_size, 1));
        var (stride, dilation, before) = (Three(Like.stride, 1), Three(Like.dilation, 1), Three(Before(), 0));
        int[] length = [.. Enumerable.Range(0, 3).Select(i => ((size[i] + Three(Both(), 0)[i] - (dilation[i] * (kernel[i] - 1)) - 1) / stride[i]) + 1)];
        var result = new double[shape[0] * Out * length[0] * length[1] * length[2]];
        var next = 0;
        for (var n = 0; n < shape[0]; n++)
            for (var o = 0; o < Out; o++)
                for (var d = 0; d < length[0]; d++)
                    for (var h = 0; h < length[1]; h++)
                        for (var w = 0; w < length[2]; w++)
                            result[next++] = At(n, o, [d, h, w]);
        return result;

        double At(int n, int o, int[] place)
        {
            var sum = 0.0;
            for (var c = 0; c < In; c++)
                for (var i = 0; i < kernel[0]; i++)
                    for (var j = 0; j < kernel[1]; j++)
                        for (var k = 0; k < kernel[2]; k++)
                        {
                            int?[] from = [Source(0, i), Source(1, j), Source(2, k)];
                            if (from is [{ } d, { } h, { } w])
                                sum += weight[(((((((o * In) + c) * kernel[0]) + i) * kernel[1]) + j) * kernel[2]) + k] * x[(((((((n * In) + c) * size[0]) + d) * size[1]) + h) * size[2]) + w];
                        }

            return sum;

            int? Source(int axis, int offset) => Inside((place[axis] * stride[axis]) + (offset * dilation[axis]) - before[axis], size[axis]);
        }
    }

    private int? Inside(int place, int length) => place >= 0 && place < length ? place : Like.padding_mode switch
    {
        PaddingModes.Zeros or PaddingModes.Constant => null,
        PaddingModes.Reflect => place < 0 ? -place : (2 * (length - 1)) - place,
        PaddingModes.Replicate => Math.Clamp(place, 0, length - 1),
        PaddingModes.Circular => (place + length) % length,
        _ => throw new InvalidOperationException(),
    };

    private long[] Both() => Like.padding?.Select(padding => 2 * padding).ToArray()
        ?? [.. Like.kernel_size.Zip(Like.dilation, (kernel, dilation) => Like.padding_type == Padding.Same ? dilation * (kernel - 1) : 0)];

    private long[] Before() => Like.padding ?? [.. Both().Select(padding => padding / 2)];

    private static int[] Three(long[] values, int missing) => [.. Enumerable.Repeat(missing, 3 - values.Length), .. values.Select(value => (int)value)];
}
