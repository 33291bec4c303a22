using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Convolutions;

/// <summary>A model of one convolution of any number of axes, its reference and its input. Its key is <c>proj</c>, its rank 3, its alpha 12.</summary>
internal static class OneConvolution
{
    /// <summary>Convolutions of each number of axes, by what is unusual about them.</summary>
    public static readonly Dictionary<string, Func<ScalarType, Convolution>> All = new()
    {
        ["1d"] = dtype => Conv1d(4, 5, 3, dtype: dtype),
        ["1d, strided and padded"] = dtype => Conv1d(4, 5, 4, stride: 3, padding: 2, dtype: dtype),
        ["1d, dilated"] = dtype => Conv1d(4, 5, 3, padding: 1, dilation: 2, dtype: dtype),
        ["1d, same size"] = dtype => Conv1d(4, 5, 4, Padding.Same, dilation: 2, dtype: dtype),
        ["1d, reflected"] = dtype => Conv1d(4, 5, 3, padding: 2, padding_mode: PaddingModes.Reflect, dtype: dtype),
        ["2d"] = dtype => Conv2d(3, 5, 3, dtype: dtype),
        ["2d, without a bias"] = dtype => Conv2d(3, 5, 3, bias: false, dtype: dtype),
        ["2d, one place"] = dtype => Conv2d(3, 5, 1, dtype: dtype),
        ["2d, patches"] = dtype => Conv2d(3, 5, 2, stride: 2, dtype: dtype),
        ["2d, each side its own"] = dtype => Conv2d(3, 5, (3, 2), stride: (2, 1), padding: (2, 1), dilation: (1, 3), dtype: dtype),
        ["2d, valid"] = dtype => Conv2d(3, 5, (3, 2), Padding.Valid, stride: (2, 1), dtype: dtype),
        ["2d, same size"] = dtype => Conv2d(3, 5, (4, 3), Padding.Same, dilation: (1, 2), dtype: dtype),
        ["2d, replicated"] = dtype => Conv2d(3, 5, (3, 2), padding: (2, 1), padding_mode: PaddingModes.Replicate, dtype: dtype),
        ["2d, circular"] = dtype => Conv2d(3, 5, (3, 2), stride: (1, 2), padding: (2, 1), padding_mode: PaddingModes.Circular, dtype: dtype),
        ["2d, reflected, same size"] = dtype => Conv2d(3, 5, 3, Padding.Same, dilation: 2, padding_mode: PaddingModes.Reflect, dtype: dtype),
        ["2d, a constant"] = dtype => Conv2d(3, 5, 3, padding: 1, padding_mode: PaddingModes.Constant, dtype: dtype),
        ["3d"] = dtype => Conv3d(2, 5, 2, dtype: dtype),
        ["3d, each side its own"] = dtype => Conv3d(2, 5, (1, 3, 2), stride: (1, 2, 1), padding: (0, 1, 2), dilation: (1, 1, 2), dtype: dtype),
        ["3d, same size"] = dtype => Conv3d(2, 5, (3, 2, 1), Padding.Same, dtype: dtype),
        ["3d, replicated"] = dtype => Conv3d(2, 5, (1, 3, 2), padding: (1, 0, 2), padding_mode: PaddingModes.Replicate, dtype: dtype),
    };

    /// <summary>One of each number of axes, with everything that numbers can say.</summary>
    public static readonly string[] Each = ["1d, strided and padded", "2d, each side its own", "3d, each side its own"];

    /// <summary>The model, whose bias is no small number.</summary>
    public static Module<Tensor, Tensor> Model(Convolution convolution)
    {
        using var inference = no_grad();
        convolution.bias?.normal_();
        return convolution switch
        {
            Conv1d one => new OneSignal(one),
            Conv2d two => new OneImage(two),
            _ => new OneVolume((Conv3d)convolution),
        };
    }

    public static LoraAdapter CreateAdapter(this Module<Tensor, Tensor> model, LoraConfig? config = null, Generator? generator = null) => model switch
    {
        OneSignal one => one.CreateAdapter(config, generator),
        OneImage two => two.CreateAdapter(config, generator),
        _ => ((OneVolume)model).CreateAdapter(config, generator),
    };

    public static void Activate(this Module<Tensor, Tensor> model, LoraAdapter? adapter)
    {
        switch (model)
        {
            case OneSignal one:
                one.ActiveAdapter = (OneSignal.Adapter?)adapter;
                break;
            case OneImage two:
                two.ActiveAdapter = (OneImage.Adapter?)adapter;
                break;
            default:
                ((OneVolume)model).ActiveAdapter = (OneVolume.Adapter?)adapter;
                break;
        }
    }

    public static void Merge(this Module<Tensor, Tensor> model, LoraAdapter adapter)
    {
        switch (model)
        {
            case OneSignal one:
                one.Merge((OneSignal.Adapter)adapter);
                break;
            case OneImage two:
                two.Merge((OneImage.Adapter)adapter);
                break;
            default:
                ((OneVolume)model).Merge((OneVolume.Adapter)adapter);
                break;
        }
    }

    public static void Unmerge(this Module<Tensor, Tensor> model)
    {
        switch (model)
        {
            case OneSignal one:
                one.Unmerge();
                break;
            case OneImage two:
                two.Unmerge();
                break;
            default:
                ((OneVolume)model).Unmerge();
                break;
        }
    }

    public static LoraAdapter Load(this Module<Tensor, Tensor> model, string folder) => model switch
    {
        OneSignal one => OneSignal.Adapter.Load(folder, one),
        OneImage two => OneImage.Adapter.Load(folder, two),
        _ => OneVolume.Adapter.Load(folder, (OneVolume)model),
    };

    /// <summary>Images of 7, 6 and 5 places, as many sides as there are axes.</summary>
    public static Tensor Input(Convolution convolution, int count = 2)
        => Base.Input([count, convolution.in_channels, .. new long[] { 7, 6, 5 }[..convolution.kernel_size.Length]]).to_type(convolution.weight.dtype);

    public static LoraConvolution Formula(Convolution convolution, LowRankUpdate update, double scale = 4) => new(
        Values.Flat(convolution.weight),
        convolution.bias is { } bias ? Values.Flat(bias) : null,
        Values.Matrix(update.A.flatten(1)),
        Values.Matrix(update.B.flatten(1)),
        scale,
        convolution)
    {
        Magnitude = update.Magnitude is { } magnitude ? Values.Flat(magnitude) : null,
    };

    public static void AssertClose(IReadOnlyList<double> expected, IReadOnlyList<double> found, double tolerance)
    {
        Assert.Equal(expected.Count, found.Count);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance * (1 + Math.Abs(pair.First))));
    }
}
