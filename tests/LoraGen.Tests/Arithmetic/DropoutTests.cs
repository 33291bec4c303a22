using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Arithmetic;

/// <summary>Dropout touches A's input only, and only while the model trains.</summary>
public sealed class DropoutTests : IDisposable
{
    private const int Size = 6;
    private const double Probability = 0.25;

    private readonly OneTarget _model = new(Size, Size, bias: false);
    private readonly OneTarget.Adapter _adapter;
    private readonly Tensor _x = Base.Input(2_000, Size);

    public DropoutTests()
    {
        manual_seed(5);
        _adapter = _model.CreateAdapter(new LoraConfig { Rank = Size, Alpha = Size, Dropout = Probability });
        _model.ActiveAdapter = _adapter;
    }

    public void Dispose()
    {
        _model.Dispose();
        _adapter.Dispose();
        _x.Dispose();
    }

    [Fact]
    public void In_eval_mode_there_is_none()
    {
        UpdateAlone();
        _model.eval();
        using var y = _model.call(_x);
        Assert.Equal(Base.Bytes(_x), Base.Bytes(y));
    }

    [Fact]
    public void In_training_mode_an_input_is_dropped_or_divided_by_what_is_kept()
    {
        UpdateAlone();
        _model.train();
        using var y = _model.call(_x);
        var dropped = 0;
        foreach (var (input, output) in Values.Flat(_x).Zip(Values.Flat(y)))
        {
            dropped += output == 0 ? 1 : 0;
            Assert.True(output == 0 || Math.Abs(output - input / (1 - Probability)) <= 4 * Rounding.Float32 * Math.Abs(output), $"{input} became {output}");
        }

        // Five standard deviations of a binomial count.
        var draws = 2_000 * Size;
        Assert.Equal(draws * Probability, dropped, tolerance: 5 * Math.Sqrt(draws * Probability * (1 - Probability)));
    }

    [Fact]
    public void Its_expectation_is_the_update_without_dropout()
    {
        UpdateAlone();
        _model.train();
        using var one = ones(20_000, Size);
        using var y = _model.call(one);

        // The variance of one draw is p / (1 - p).
        var deviation = Math.Sqrt(Probability / (1 - Probability) / (20_000 * Size));
        Assert.Equal(1, Values.Flat(y).Average(), tolerance: 5 * deviation);
    }

    [Fact]
    public void Every_call_draws_anew()
    {
        UpdateAlone();
        _model.train();
        using var first = _model.call(_x);
        using var second = _model.call(_x);
        Assert.NotEqual(Base.Bytes(first), Base.Bytes(second));
    }

    [Fact]
    public void The_base_sees_the_whole_input()
    {
        _model.train();
        _model.ActiveAdapter = null;
        using var expected = _model.call(_x);
        _model.ActiveAdapter = _adapter;
        using var y = _model.call(_x);
        Assert.Equal(Base.Bytes(expected), Base.Bytes(y));
    }

    [Fact]
    public void The_models_mode_decides_and_not_the_adapters()
    {
        UpdateAlone();
        _model.eval();
        _adapter.train();
        using var y = _model.call(_x);
        Assert.Equal(Base.Bytes(_x), Base.Bytes(y));
    }

    // torch draws the same numbers after the same seed, so that dropping from ones shows what is dropped from x.
    [Fact]
    public void The_output_and_the_gradients_are_those_of_the_input_that_is_left()
    {
        _adapter.Trained();
        _model.train();
        using var x = Base.Input(9, Size).requires_grad_();
        using var dy = Base.Input(9, Size);
        manual_seed(23);
        using var drawn = nn.functional.dropout(ones(9, Size), Probability);
        manual_seed(23);

        using var y = _model.call(x);
        y.backward([dy]);

        var reference = ForwardTests.ReferenceOf(_model, 1);
        var (rows, upstream, mask) = (Values.Matrix(x), Values.Matrix(dy), Values.Matrix(drawn));
        Assert.Contains(0, Values.Flat(drawn));
        var (forward, gradients) = (reference.Forward(rows, mask), reference.Gradients(rows, upstream, mask));
        var absolute = reference.Absolute();
        var sizes = absolute.Gradients(Matrices.Abs(rows), Matrices.Abs(upstream), mask);
        var roundings = reference.Roundings + 9 + Size;
        Rounding.AssertWithin(forward, Values.Matrix(y), absolute.Forward(Matrices.Abs(rows), mask), Rounding.Float32, roundings);
        Rounding.AssertWithin(gradients.A, Values.Matrix(_adapter.proj.A.grad!), sizes.A, Rounding.Float32, roundings);
        Rounding.AssertWithin(gradients.B, Values.Matrix(_adapter.proj.B.grad!), sizes.B, Rounding.Float32, roundings);
        Rounding.AssertWithin(gradients.X, Values.Matrix(x.grad!), sizes.X, Rounding.Float32, roundings);
    }

    // W = 0 and A = B = 1 make the output exactly what A was given.
    private void UpdateAlone()
    {
        using var inference = no_grad();
        using var identity = eye(Size);
        _model.get_parameter("proj.weight")!.zero_();
        _adapter.proj.A.copy_(identity);
        _adapter.proj.B.copy_(identity);
    }
}
