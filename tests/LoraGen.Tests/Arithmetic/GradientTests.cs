using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Arithmetic;

/// <summary>dA = s (B^T dy) x^T, dB = s dy (A x)^T, dx = W^T dy + s A^T B^T dy, against float64 loops.</summary>
public sealed class GradientTests
{
    public static MatrixTheoryData<ScalarType, bool> Projections { get; } = new(
        [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16], [false, true]);

    // A and B are fp32 whatever the base is, and so are their gradients.
    [Theory]
    [MemberData(nameof(Projections))]
    public void Of_A_B_and_x_through_one_projection(ScalarType dtype, bool rslora)
    {
        using var model = new OneTarget(32, 16, dtype: dtype);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = rslora }).Trained();
        using var x = Base.Input(9, 32).to_type(dtype).requires_grad_();
        using var dy = Base.Input(9, 16).to_type(dtype);
        model.ActiveAdapter = adapter;
        var reference = ForwardTests.ReferenceOf(model, rslora ? 12 / Math.Sqrt(3) : 12 / 3.0);

        using var y = model.call(x);
        y.backward([dy]);

        Assert.Equal((ScalarType.Float32, ScalarType.Float32, dtype), (adapter.proj.A.grad!.dtype, adapter.proj.B.grad!.dtype, x.grad!.dtype));
        AssertAreFormulas(reference, adapter.proj, x, dy, x.grad!);
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Of_an_input_with_more_axes_whose_numbers_do_not_lie_side_by_side()
    {
        using var model = new OneTarget(11, 6);
        using var adapter = model.CreateAdapter().Trained();
        using var whole = Base.Input(3, 11, 4).requires_grad_();
        using var dy = Base.Input(3, 4, 6);
        model.ActiveAdapter = adapter;
        using var x = whole.transpose(1, 2);
        Assert.False(x.is_contiguous());

        using var y = model.call(x);
        y.backward([dy]);

        AssertAreFormulas(ForwardTests.ReferenceOf(model, 4), adapter.proj, x, dy, whole.grad!.transpose(1, 2));
    }

    [Fact]
    public void Of_no_rows_are_zero()
    {
        using var model = new OneTarget(11, 6);
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(0, 11).requires_grad_();
        model.ActiveAdapter = adapter;

        using var y = model.call(x);
        y.sum().backward();

        Assert.All(Values.Flat(adapter.proj.A.grad!).Concat(Values.Flat(adapter.proj.B.grad!)), gradient => Assert.Equal(0, gradient));
        Assert.Equal([0, 11], x.grad!.shape);
    }

    [Fact]
    public void Of_x_flow_through_an_adapter_that_is_frozen_itself()
    {
        using var model = new OneTarget(32, 16, dtype: ScalarType.BFloat16);
        using var adapter = model.CreateAdapter().Trained();
        foreach (var parameter in adapter.parameters())
        {
            parameter.requires_grad = false;
        }

        adapter.eval();
        model.ActiveAdapter = adapter;
        using (no_grad())
        {
            model.call(Base.Input(1, 32).to_type(ScalarType.BFloat16)).Dispose();
        }

        using var x = Base.Input(9, 32).to_type(ScalarType.BFloat16).requires_grad_();
        using var dy = Base.Input(9, 16).to_type(ScalarType.BFloat16);
        using var y = model.call(x);
        y.backward([dy]);

        var reference = ForwardTests.ReferenceOf(model, 4);
        var (rows, upstream) = (Values.Matrix(x), Values.Matrix(dy));
        Rounding.AssertWithin(
            reference.Gradients(rows, upstream).X, Values.Matrix(x.grad!), reference.Absolute().Gradients(Matrices.Abs(rows), Matrices.Abs(upstream)).X, Rounding.BFloat16, roundings: 6);
        Assert.Null(adapter.proj.A.grad);
    }

    // No reference at all: the slope of the library's own output, in float64 from end to end.
    [Fact]
    public void Are_the_slopes_of_the_forward_pass()
    {
        using var model = new OneTarget(5, 4, dtype: ScalarType.Float64);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = true }).Trained();
        adapter.to(ScalarType.Float64);
        using var x = Base.Input(3, 5).to_type(ScalarType.Float64).requires_grad_();
        using var weights = Base.Input(3, 4).to_type(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        Loss().backward();

        foreach (var variable in new[] { adapter.proj.A, adapter.proj.B, x })
        {
            using var inference = no_grad();
            var (numbers, found) = (variable.view(-1), Values.Flat(variable.grad!));
            for (var i = 0; i < found.Length; i++)
            {
                const double step = 1e-4;
                numbers[i] += step;
                var above = Loss().item<double>();
                numbers[i] -= 2 * step;
                var slope = (above - Loss().item<double>()) / (2 * step);
                numbers[i] += step;

                // The loss is linear in each number, so that only rounding is left: 2^-53 of a loss of some tens, over the step.
                Assert.Equal(slope, found[i], tolerance: 1e-9);
            }
        }

        Tensor Loss() => (model.call(x) * weights).sum();
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
    private static void AssertAreFormulas(LoraLinear reference, LowRankUpdate update, Tensor x, Tensor dy, Tensor dx)
    {
        var (rows, upstream) = (Values.Matrix(x), Values.Matrix(dy));
        var expected = reference.Gradients(rows, upstream);
        var sizes = reference.Absolute().Gradients(Matrices.Abs(rows), Matrices.Abs(upstream));

        // A or B in the half format, the product through it, the scaled product, the gradient before it is widened; for x, which has two
        // ways back, the sum of both.
        var (summed, forA, forX) = (reference.Roundings + rows.GetLength(0) + upstream.GetLength(1), Unit(update.A.grad!), Rounding.Unit(x.dtype));
        Rounding.AssertWithin(expected.A, Values.Matrix(update.A.grad!), sizes.A, forA, Rounding.Count(x.dtype, summed, stored: 5));
        Rounding.AssertWithin(expected.B, Values.Matrix(update.B.grad!), sizes.B, forA, Rounding.Count(x.dtype, summed, stored: 5));
        Rounding.AssertWithin(expected.X, Values.Matrix(dx), sizes.X, forX, Rounding.Count(x.dtype, summed, stored: 6));

        // What is computed in the base's dtype and stored in the gradient's has the errors of the coarser.
        double Unit(Tensor gradient) => Math.Max(Rounding.Unit(x.dtype), Rounding.Unit(gradient.dtype));
    }
}
