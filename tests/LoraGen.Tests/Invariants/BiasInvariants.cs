using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's tests hold of <c>lora_bias</c> (tests/test_custom_models.py).</summary>
public sealed class BiasInvariants : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void I24_A_bias_of_B_is_merged_into_the_bases_bias_and_refused_where_there_is_none(bool hasBias)
    {
        const double scale = 12 / 3.0;
        using var model = new OneTarget(6, 5, hasBias);
        using var adapter = model.CreateAdapter(new LoraConfig { LoraBias = true }).Trained();
        using (no_grad())
            adapter.proj.BBias!.copy_(Base.Input(5));
        var (x, before, own) = (Base.Input(3, 6), Base.Bytes(model), Values.Flat(adapter.proj.BBias!));
        double[] bias = hasBias ? Values.Flat(model.get_parameter("proj.bias")!) : new double[5];
        var expected = new LoraLinear(
            Values.Matrix(model.get_parameter("proj.weight")!), [.. bias.Zip(own, (b, added) => b + (scale * added))], Values.Matrix(adapter.proj.A), Values.Matrix(adapter.proj.B), scale)
            .Forward(Values.Matrix(x)).Cast<double>();
        model.ActiveAdapter = adapter;
        AssertIsFormula();

        if (hasBias)
        {
            model.Merge(adapter);
            AssertIsFormula();
            model.Unmerge();
        }
        else
        {
            var refusal = Assert.Throws<LoraException>(() => model.Merge(adapter));
            Assert.StartsWith("proj: expected a base with a bias", refusal.Message, StringComparison.Ordinal);
            Assert.Null(model.MergedAdapter);
        }

        Assert.Equal(before, Base.Bytes(model));

        void AssertIsFormula() => Assert.All(expected.Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }
}
