using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static LoraGen.Tests.Convolutions.OneConvolution;
using static TorchSharp.torch;

namespace LoraGen.Tests.Convolutions;

/// <summary>The gradients of A, B, the magnitude and the input are the slopes of the float64 loops. The norm is a constant to them (arXiv 2402.09353, section 4.3).</summary>
public sealed class GradientTests
{
    public static TheoryData<string, bool> Variants => [.. from name in Each from useDora in new[] { false, true } select (name, useDora)];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Of_A_and_B_and_the_magnitude_and_the_input(string name, bool useDora)
    {
        using var scope = NewDisposeScope();
        var convolution = All[name](ScalarType.Float64);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = useDora }).Trained();
        adapter.to(ScalarType.Float64);
        model.Activate(adapter);
        var x = Input(convolution, count: 1).requires_grad_();
        var y = model.call(x);
        var upstream = Base.Input(y.shape).to_type(ScalarType.Float64);
        (y * upstream).sum().backward();

        var update = adapter.Updates[0];
        var reference = Formula(convolution, update);
        AssertClose(reference.Forward(Values.Flat(x), x.shape), Values.Flat(y), 1e-12);
        var held = useDora ? reference with { Held = reference.Ratio } : reference;
        var (input, dy) = (Values.Flat(x), Values.Flat(upstream));
        AssertClose(Slopes(input, value => Loss(held, value)), Values.Flat(x.grad!), 1e-8);
        AssertClose(Slopes(Flat(held.A), value => Loss(held with { A = Like(held.A, value) }, input)), Values.Flat(update.A.grad!), 1e-8);
        AssertClose(Slopes(Flat(held.B), value => Loss(held with { B = Like(held.B, value) }, input)), Values.Flat(update.B.grad!), 1e-8);
        if (useDora)
        {
            AssertClose(Slopes(reference.Magnitude!, value => Loss(reference with { Magnitude = value }, input)), Values.Flat(update.Magnitude!.grad!), 1e-8);
            Assert.Equal(update.Magnitude!.shape, update.Magnitude.grad!.shape);
        }

        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));

        double Loss(LoraConvolution of, double[] at) => of.Forward(at, x.shape).Zip(dy, (value, weight) => value * weight).Sum();
    }

    // The loss is linear in each number.
    private static double[] Slopes(double[] at, Func<double[], double> loss) => [.. at.Select((value, i) =>
    {
        const double step = 1e-3;
        double[] moved = [.. at];
        moved[i] = value + step;
        var above = loss(moved);
        moved[i] = value - step;
        return (above - loss(moved)) / (2 * step);
    })];

    private static double[] Flat(double[,] matrix) => [.. matrix.Cast<double>()];

    private static double[,] Like(double[,] matrix, double[] values)
    {
        var result = new double[matrix.GetLength(0), matrix.GetLength(1)];
        Buffer.BlockCopy(values, 0, result, 0, values.Length * sizeof(double));
        return result;
    }
}
