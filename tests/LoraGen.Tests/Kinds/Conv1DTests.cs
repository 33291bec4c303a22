using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Tests.Kinds;

/// <summary>GPT-2's projection: y = x W + b with W [in, out].</summary>
public sealed class Conv1DTests : OneProjectionTests<OneConv1D, OneConv1D.Adapter>
{
    protected override (string A, string B) Keys => ("lora_A.weight", "lora_B.weight");

    protected override OneConv1D Model(ScalarType dtype = ScalarType.Float32) => new(In, Out, dtype);

    protected override OneConv1D.Adapter Load(string folder, OneConv1D model) => OneConv1D.Adapter.Load(folder, model);

    protected override Tensor Input(ScalarType dtype) => Base.Input(2, 5, In).to_type(dtype);

    protected override double[,] Rows(Tensor input) => Values.Matrix(input);

    [Fact]
    public void Its_keys_and_shapes_are_those_of_transformers()
    {
        using var conv = new Conv1D(200, 300);
        Assert.Equal([("weight", [200, 300]), ("bias", [300])], conv.state_dict().Select(item => (item.Key, item.Value.shape)));
        Assert.All(Values.Flat(conv.Bias!), value => Assert.Equal(0, value));

        // The mean of 60,000 squares is 0.02^2 within 5 * sqrt(2 / 60,000).
        Assert.InRange(Values.Flat(conv.Weight).Average(value => value * value) / (0.02 * 0.02), 0.97, 1.03);
    }

    [Fact]
    public void It_may_have_no_bias_and_take_a_vector()
    {
        using var scope = NewDisposeScope();
        using var conv = new Conv1D(new Parameter(Base.Input(In, Out)), bias: null);
        var (x, y) = (Base.Input(In), conv.call(Base.Input(In)));
        Assert.Equal([Out], y.shape);
        var reference = new LoraLinear(Matrices.Transpose(Values.Matrix(conv.Weight)), null, new double[1, In], new double[Out, 1], 0);
        Rounding.AssertWithin(
            reference.Forward(Values.Matrix(x)), Values.Matrix(y), reference.Absolute().Forward(Matrices.Abs(Values.Matrix(x))), Rounding.Float32, reference.Roundings);
    }

    [Fact]
    public void It_outlives_the_scope_that_it_was_made_in()
    {
        Conv1D conv;
        using (NewDisposeScope())
        {
            conv = new Conv1D(In, Out);
        }

        Assert.False(conv.Weight.IsInvalid);
        Assert.False(conv.Bias!.IsInvalid);
        conv.to(ScalarType.BFloat16);
        Assert.Equal((ScalarType.BFloat16, ScalarType.BFloat16), (conv.Weight.dtype, conv.Bias!.dtype));
        conv.Dispose();
    }
}
