using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static LoraGen.Tests.Convolutions.OneConvolution;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Convolutions;

/// <summary>What an adapted convolution computes, against float64 loops over each of its outputs and against its own merged weight.</summary>
public sealed class ForwardTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public static TheoryData<string> Convolutions => [.. All.Keys];

    public static TheoryData<string, ScalarType> Dtypes
        => [.. from name in Each from dtype in new[] { ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16 } select (name, dtype)];

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void The_output_is_that_of_W_plus_s_B_A(string name)
    {
        var convolution = All[name](ScalarType.Float64);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter().Trained();
        model.Activate(adapter);
        var x = Input(convolution);

        var found = model.call(x);

        AssertClose(Formula(convolution, adapter.Updates[0]).Forward(Values.Flat(x), x.shape), Values.Flat(found), 1e-12);
        AssertClose(Values.Flat(found[1]), Values.Flat(model.call(x[1])), 1e-12); // without a batch
    }

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void A_new_adapter_leaves_every_bit_and_so_does_its_DoRA(string name)
    {
        var convolution = All[name](ScalarType.Float32);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter();
        using var decomposed = model.CreateAdapter(new LoraConfig { UseDora = true });
        var x = Input(convolution);
        var before = Base.Bytes(model.call(x));
        model.Activate(adapter);
        Assert.Equal(before, Base.Bytes(model.call(x)));
        model.Activate(decomposed);
        Assert.Equal(before, Base.Bytes(model.call(x)));
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void In_the_formats_of_a_base(string name, ScalarType dtype)
    {
        var convolution = All[name](dtype);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = true }).Trained();
        model.Activate(adapter);
        var x = Input(convolution);

        var found = model.call(x);

        Assert.Equal(dtype, found.dtype);
        var (reference, values) = (Formula(convolution, adapter.Updates[0], 12 / Math.Sqrt(3)), Values.Flat(x));
        var (expected, sizes) = (reference.Forward(values, x.shape), reference.Absolute().Forward([.. values.Select(Math.Abs)], x.shape));
        Rounding.AssertWithin(Row(expected), Row(Values.Flat(found)), Row(sizes), Rounding.Unit(dtype), Rounding.Count(dtype, reference.Roundings, stored: 7));
    }

    // TorchSharp 0.107 swaps the axes' padding here, which PyTorch does not. Whatever the base pads by, A is to pad by.
    [Theory]
    [InlineData(PaddingModes.Reflect)]
    [InlineData(PaddingModes.Replicate)]
    [InlineData(PaddingModes.Circular)]
    public void Of_the_same_size_with_another_padding_than_zeros_and_sides_that_differ(PaddingModes mode)
    {
        foreach (var convolution in new Convolution[] { Conv2d(3, 5, (5, 2), Padding.Same, padding_mode: mode, dtype: ScalarType.Float64), Conv3d(2, 5, (1, 2, 5), Padding.Same, padding_mode: mode, dtype: ScalarType.Float64) })
            AssertIsMerged(convolution);
    }

    [Fact]
    public void What_is_set_after_the_adapter_was_made_is_seen()
    {
        var convolution = Conv2d(3, 5, 3, dtype: ScalarType.Float64);
        AssertIsMerged(convolution, () => (convolution.stride, convolution.dilation) = ([2, 1], [1, 2]));
        AssertIsMerged(convolution, () => convolution.SetPadding([2, 1]));
        AssertIsMerged(convolution, () => convolution.padding_mode = PaddingModes.Circular);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_dropout_the_update_is_that_of_the_dropped_input(bool useDora)
    {
        var convolution = All["2d, each side its own"](ScalarType.Float64);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter(new LoraConfig { Dropout = 0.4, UseDora = useDora }).Trained();
        model.Activate(adapter);
        var x = Input(convolution);
        manual_seed(4);
        var mask = Values.Flat(functional.dropout(ones_like(x), 0.4, training: true));
        manual_seed(4);

        var found = model.call(x);

        Assert.Contains(0, mask);
        var reference = Formula(convolution, adapter.Updates[0]);
        AssertClose(reference.Forward(Values.Flat(x), x.shape, mask), Values.Flat(found), useDora ? 1e-6 : 1e-12);
        model.eval();
        AssertClose(reference.Forward(Values.Flat(x), x.shape), Values.Flat(model.call(x)), useDora ? 1e-6 : 1e-12);
    }

    [Fact]
    public void A_hook_sees_the_input_as_it_is()
    {
        var convolution = Conv2d(3, 5, 3);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter();
        model.Activate(adapter);
        long[] seen = [];
        convolution.register_forward_hook((_, x, y) =>
        {
            seen = x.shape;
            return y;
        });

        model.call(Input(convolution));

        Assert.Equal([2, 3, 7, 6], seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_serving_adapter_computes_the_same_and_leaves_no_tensor_behind(bool useDora)
    {
        using var inference = no_grad();
        var convolution = Conv2d(3, 5, 3, dtype: ScalarType.BFloat16);
        using var model = Model(convolution);
        model.eval();
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = useDora }).Trained();
        model.Activate(adapter);
        var x = Input(convolution);
        var expected = Base.Bytes(model.call(x));

        adapter.Serving();

        Assert.Equal(expected, Base.Bytes(model.call(x)));
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 3; i++)
            model.call(x).Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal(expected, Base.Bytes(model.call(x)));
    }

    private static void AssertIsMerged(Convolution convolution, Action? change = null)
    {
        using var scope = NewDisposeScope();
        var model = Model(convolution);
        var adapter = model.CreateAdapter().Trained();
        model.Activate(adapter);
        change?.Invoke();
        var x = Input(convolution);
        var active = Values.Flat(model.call(x));
        model.Activate(null);
        Assert.NotEqual(active, Values.Flat(model.call(x)));

        model.Merge(adapter);

        // The weight carries s B A in float64.
        AssertClose(Values.Flat(model.call(x)), active, 1e-12);
        model.Unmerge();
    }

    private static double[,] Row(double[] values)
    {
        var row = new double[1, values.Length];
        Buffer.BlockCopy(values, 0, row, 0, values.Length * sizeof(double));
        return row;
    }
}
