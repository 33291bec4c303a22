using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Arithmetic;

/// <summary>y = W x + b + s B A x with s = alpha / r or alpha / sqrt(r), against float64 loops.</summary>
public sealed class ForwardTests
{
    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public void One_projection_in_fp32(bool rslora, bool bias)
    {
        using var model = new OneTarget(11, 6, bias);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = rslora }).Trained();
        model.ActiveAdapter = adapter;
        var reference = ReferenceOf(model, rslora ? 12 / Math.Sqrt(3) : 12 / 3.0);
        using var x = Base.Input(9, 11);

        using var y = model.call(x);

        var rows = Values.Matrix(x);
        Rounding.AssertWithin(
            reference.Forward(rows), Values.Matrix(y), reference.Absolute().Forward(LoraLinear.Abs(rows)), Rounding.Float32, reference.Roundings);
    }

    [Theory]
    [InlineData(new long[] { 11 })]
    [InlineData(new long[] { 4, 11 })]
    [InlineData(new long[] { 2, 3, 11 })]
    [InlineData(new long[] { 0, 11 })]
    public void Any_number_of_leading_axes(long[] shape)
    {
        using var model = new OneTarget(11, 6);
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(shape);
        model.ActiveAdapter = adapter;
        var reference = ReferenceOf(model, 4);

        using var y = model.call(x);

        Assert.Equal([.. shape[..^1], 6], y.shape);
        var rows = Values.Matrix(x);
        Rounding.AssertWithin(
            reference.Forward(rows), Values.Matrix(y), reference.Absolute().Forward(LoraLinear.Abs(rows)), Rounding.Float32, reference.Roundings);
    }

    // A, B and the rank-r product are rounded to bf16, and so are the base's result and the sum; the sums inside a product are fp32.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_projection_in_bf16(bool frozen)
    {
        using var model = new OneTarget(64, 48, dtype: ScalarType.BFloat16);
        using var adapter = model.CreateAdapter().Trained();
        foreach (var parameter in adapter.parameters())
        {
            parameter.requires_grad = !frozen;
        }

        model.ActiveAdapter = adapter;
        var reference = ReferenceOf(model, 4);
        using var x = Base.Input(5, 64).to_type(ScalarType.BFloat16);

        using var y = model.call(x);

        Assert.Equal(ScalarType.BFloat16, y.dtype);
        var rows = Values.Matrix(x);
        Rounding.AssertWithin(
            reference.Forward(rows), Values.Matrix(y), reference.Absolute().Forward(LoraLinear.Abs(rows)), Rounding.BFloat16, roundings: 5);
    }

    [Fact]
    public void A_frozen_adapter_that_is_trained_further_is_heard_by_a_bf16_base()
    {
        using var model = new OneTarget(8, 8, dtype: ScalarType.BFloat16);
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(3, 8).to_type(ScalarType.BFloat16);
        model.ActiveAdapter = adapter;
        SetRequiresGrad(false);
        using var frozen = model.call(x);

        SetRequiresGrad(true);
        using (no_grad())
        {
            using var training = model.call(x);
            adapter.proj.B.mul_(2);
        }

        SetRequiresGrad(false);
        using var refrozen = model.call(x);

        using var reference = new OneTarget(8, 8, dtype: ScalarType.BFloat16);
        reference.load_state_dict(model.state_dict());
        using var fresh = reference.CreateAdapter();
        using (no_grad())
        {
            fresh.proj.A.copy_(adapter.proj.A);
            fresh.proj.B.copy_(adapter.proj.B);
        }

        reference.ActiveAdapter = fresh;
        using var expected = reference.call(x);
        Assert.NotEqual(Base.Bytes(frozen), Base.Bytes(refrozen));
        Assert.Equal(Base.Bytes(expected), Base.Bytes(refrozen));

        void SetRequiresGrad(bool value)
        {
            foreach (var parameter in adapter.parameters())
            {
                parameter.requires_grad = value;
            }
        }
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
