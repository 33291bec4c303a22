using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Arithmetic;

/// <summary>dA = s (B^T dy) x^T, dB = s dy (A x)^T, dx = W^T dy + s A^T B^T dy, against float64 loops.</summary>
public sealed class GradientTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_A_B_and_x_through_one_projection(bool rslora)
    {
        using var model = new OneTarget(11, 6);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = rslora }).Trained();
        using var x = Base.Input(9, 11).requires_grad_();
        using var dy = Base.Input(9, 6);
        model.ActiveAdapter = adapter;
        var reference = ForwardTests.ReferenceOf(model, rslora ? 12 / Math.Sqrt(3) : 12 / 3.0);

        using var y = model.call(x);
        y.backward([dy]);

        var (rows, upstream) = (Values.Matrix(x), Values.Matrix(dy));
        var expected = reference.Gradients(rows, upstream);
        var sizes = reference.Absolute().Gradients(LoraLinear.Abs(rows), LoraLinear.Abs(upstream));
        var roundings = reference.Roundings + 9 + 6;
        Rounding.AssertWithin(expected.A, Values.Matrix(adapter.proj.A.grad!), sizes.A, Rounding.Float32, roundings);
        Rounding.AssertWithin(expected.B, Values.Matrix(adapter.proj.B.grad!), sizes.B, Rounding.Float32, roundings);
        Rounding.AssertWithin(expected.X, Values.Matrix(x.grad!), sizes.X, Rounding.Float32, roundings);
    }

    [Fact]
    public void Arrive_in_fp32_when_the_base_is_bf16()
    {
        using var model = new OneTarget(32, 16, dtype: ScalarType.BFloat16);
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(4, 32).to_type(ScalarType.BFloat16);
        using var dy = Base.Input(4, 16).to_type(ScalarType.BFloat16);
        model.ActiveAdapter = adapter;
        var reference = ForwardTests.ReferenceOf(model, 4);

        using var y = model.call(x);
        y.backward([dy]);

        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (adapter.proj.A.grad!.dtype, adapter.proj.B.grad!.dtype));
        var (rows, upstream) = (Values.Matrix(x), Values.Matrix(dy));
        var expected = reference.Gradients(rows, upstream);
        var sizes = reference.Absolute().Gradients(LoraLinear.Abs(rows), LoraLinear.Abs(upstream));

        // A or B in bf16, the product through it, the scaled product, and the gradient before it is widened.
        Rounding.AssertWithin(expected.A, Values.Matrix(adapter.proj.A.grad!), sizes.A, Rounding.BFloat16, roundings: 5);
        Rounding.AssertWithin(expected.B, Values.Matrix(adapter.proj.B.grad!), sizes.B, Rounding.BFloat16, roundings: 5);
    }

    [Fact]
    public void Of_a_new_adapter_move_B_only()
    {
        using var model = new OneTarget(11, 6);
        using var adapter = model.CreateAdapter();
        using var x = Base.Input(9, 11);
        model.ActiveAdapter = adapter;

        using var loss = model.call(x).sum();
        loss.backward();

        Assert.All(Values.Flat(adapter.proj.A.grad!), gradient => Assert.Equal(0, gradient));
        Assert.Contains(Values.Flat(adapter.proj.B.grad!), gradient => gradient != 0);
    }

    // The loss is a weighted sum of outputs; its derivative by one number is the slope of the float64 reference around it.
    [Fact]
    public void Through_a_whole_tree_are_the_slopes_of_the_reference()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(1, Tower.Width);
        using var weights = Base.Input(1, Tower.Outputs);
        model.ActiveAdapter = adapter;
        var reference = new TowerReference(model, adapter);
        var (input, upstream) = (Values.Flat(x), Values.Flat(weights));

        using var loss = (model.call(x) * weights).sum();
        loss.backward();

        foreach (var update in adapter.Updates)
        {
            AssertSlopes($"{update.Path}.A", update.A.grad!);
            AssertSlopes($"{update.Path}.B", update.B.grad!);
        }

        void AssertSlopes(string name, Tensor gradient)
        {
            const double step = 1e-5;
            var (values, found) = (reference.Adapter[name], Values.Flat(gradient));
            for (var i = 0; i < values.Length; i++)
            {
                var value = values[i];
                values[i] = value + step;
                var above = Loss();
                values[i] = value - step;
                var slope = (above - Loss()) / (2 * step);
                values[i] = value;
                Assert.True(
                    Math.Abs(slope - found[i]) <= 2e-5 * (1 + Math.Abs(slope)),
                    FormattableString.Invariant($"{name}[{i}]: expected {slope}, found {found[i]}"));
            }
        }

        double Loss() => reference.Forward(input).Zip(upstream, (y, weight) => y * weight).Sum();
    }
}
