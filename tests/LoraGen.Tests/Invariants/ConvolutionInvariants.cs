using LoraGen.Tests.Convolutions;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static LoraGen.Tests.Convolutions.OneConvolution;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's tests hold of merged convolutions (tests/test_custom_models.py).</summary>
public sealed class ConvolutionInvariants
{
    // PEFT grants convolutions a relative 0.3 and an absolute 0.01. Nothing in the arithmetic asks for more than of a Linear.
    [Theory]
    [InlineData("1d, strided and padded", false)]
    [InlineData("2d, each side its own", false)]
    [InlineData("2d, each side its own", true)]
    [InlineData("3d, each side its own", false)]
    public void I07_A_convolution_merged_equals_unmerged_equals_unmerged_again(string name, bool useDora)
    {
        using var scope = NewDisposeScope();
        var convolution = All[name](ScalarType.Float32);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = useDora }).Trained();
        var (x, before) = (Input(convolution), Base.Bytes(model));
        var expected = Formula(convolution, adapter.Updates[0]).Forward(Values.Flat(x), x.shape);

        model.Activate(adapter);
        var active = Base.Bytes(Near());
        model.Merge(adapter);
        Near();
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
        model.Activate(adapter);
        Assert.Equal(active, Base.Bytes(Near()));

        Tensor Near()
        {
            var y = model.call(x);
            AssertClose(expected, Values.Flat(y), 1e-5);
            return y;
        }
    }
}
