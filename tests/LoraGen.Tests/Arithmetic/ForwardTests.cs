using System.Runtime.InteropServices;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Arithmetic;

/// <summary>y = W x + b + s B A x with s = alpha / r or alpha / sqrt(r), against float64 loops.</summary>
public sealed class ForwardTests
{
    public static MatrixTheoryData<ScalarType, bool, bool> Projections { get; } = new(
        [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16], [false, true], [false, true]);

    public static MatrixTheoryData<ScalarType, bool> Halves { get; } = new([ScalarType.BFloat16, ScalarType.Float16], [false, true]);

    [Theory]
    [MemberData(nameof(Projections))]
    public void One_projection(ScalarType dtype, bool rslora, bool bias)
    {
        using var model = new OneTarget(64, 48, bias, dtype);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = rslora }).Trained();
        model.ActiveAdapter = adapter;
        var reference = ReferenceOf(model, rslora ? 12 / Math.Sqrt(3) : 12 / 3.0);
        using var x = Base.Input(9, 64).to_type(dtype);

        using var y = model.call(x);

        Assert.Equal(dtype, y.dtype);
        AssertIsFormula(reference, x, y);
    }

    // Over a half-precision base their update is computed in fp32 and rounded once, when it is added, whether A and B are kept or not.
    [Theory]
    [MemberData(nameof(Halves))]
    public void Few_rows(ScalarType dtype, bool serving)
    {
        using var model = new OneTarget(64, 48, dtype: dtype);
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(2, 64).to_type(dtype);
        using var alone = model.call(x);
        model.ActiveAdapter = adapter;
        if (serving)
        {
            adapter.Serving();
        }

        using var inference = no_grad();
        using var y = model.call(x);

        var rows = Values.Matrix(x);
        var (both, without) = (ReferenceOf(model, 4), ReferenceOf(model, 0));
        var (sum, rest) = (both.Forward(rows), without.Forward(rows));
        var (base0, found) = (Values.Matrix(alone), Values.Matrix(y));
        var unit = Rounding.Unit(dtype);
        for (var i = 0; i < 2; i++)
        {
            for (var j = 0; j < 48; j++)
            {
                var exact = base0[i, j] + sum[i, j] - rest[i, j];
                Assert.InRange(Math.Abs(found[i, j] - exact), 0, (Math.Abs(exact) * unit) + 1e-5);
            }
        }
    }

    [Theory]
    [InlineData(new long[] { 11 })]
    [InlineData(new long[] { 4, 11 })]
    [InlineData(new long[] { 2, 3, 11 })]
    [InlineData(new long[] { 2, 3, 2, 11 })]
    [InlineData(new long[] { 0, 11 })]
    [InlineData(new long[] { 2, 0, 11 })]
    public void Any_number_of_leading_axes(long[] shape)
    {
        using var model = new OneTarget(11, 6);
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(shape);
        model.ActiveAdapter = adapter;

        using var y = model.call(x);

        Assert.Equal([.. shape[..^1], 6], y.shape);
        AssertIsFormula(ReferenceOf(model, 4), x, y);
    }

    [Theory]
    [InlineData("transposed")]
    [InlineData("every second column")]
    [InlineData("one row for all")]
    public void An_input_whose_numbers_do_not_lie_side_by_side(string layout)
    {
        using var model = new OneTarget(11, 6);
        using var adapter = model.CreateAdapter().Trained();
        model.ActiveAdapter = adapter;
        using var whole = Base.Input(11, 22);
        using var x = layout switch
        {
            "transposed" => whole.t(),
            "every second column" => whole.slice(1, 0, 22, 2),
            _ => whole.slice(1, 0, 11, 1).narrow(0, 3, 1).expand(5, 4, 11),
        };
        Assert.False(x.is_contiguous());

        using var y = model.call(x);

        Assert.Equal([.. x.shape[..^1], 6], y.shape);
        AssertIsFormula(ReferenceOf(model, 4), x, y);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public void An_input_of_another_dtype_is_refused_by_torch_as_the_base_alone_refuses_it(ScalarType dtype)
    {
        using var model = new OneTarget(11, 6);
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(4, 11).to_type(dtype);
        var alone = Assert.Throws<ExternalException>(() => model.call(x));
        model.ActiveAdapter = adapter;
        var adapted = Assert.Throws<ExternalException>(() => model.call(x));
        Assert.Contains("same dtype", alone.Message, StringComparison.Ordinal);
        Assert.Contains("same dtype", adapted.Message, StringComparison.Ordinal);
    }

    // Twelve projections follow each other, each exact to about (in + r + 4) * 2^-24 = 1e-6 of its sizes.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_whole_tree_of_children(bool rslora)
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = rslora }).Trained();
        using var x = Base.Input(6, Tower.Width);
        model.ActiveAdapter = adapter;
        var reference = new TowerReference(model, adapter);

        using var y = model.call(x);

        var (rows, found) = (Values.Matrix(x), Values.Matrix(y));
        for (var n = 0; n < 6; n++)
        {
            var expected = reference.Forward([.. Enumerable.Range(0, Tower.Width).Select(i => rows[n, i])]);
            for (var o = 0; o < Tower.Outputs; o++)
            {
                Assert.Equal(expected[o], found[n, o], tolerance: 1e-5 * (1 + Math.Abs(expected[o])));
            }
        }
    }

    // In the half formats: A or B, the rank-r product, the base's result, the sum, and one for what is of second order.
    internal static void AssertIsFormula(LoraLinear reference, Tensor x, Tensor y)
    {
        var rows = Values.Matrix(x);
        Rounding.AssertWithin(
            reference.Forward(rows),
            Values.Matrix(y),
            reference.Absolute().Forward(Matrices.Abs(rows)),
            Rounding.Unit(y.dtype),
            Rounding.Count(y.dtype, reference.Roundings, stored: 5));
    }

    internal static LoraLinear ReferenceOf(OneTarget model, double scale)
    {
        var state = model.state_dict();
        return new LoraLinear(
            Values.Matrix(state["proj.weight"]),
            state.TryGetValue("proj.bias", out var bias) ? Values.Flat(bias) : null,
            Values.Matrix(model.ActiveAdapter!.proj.A),
            Values.Matrix(model.ActiveAdapter.proj.B),
            scale);
    }
}
