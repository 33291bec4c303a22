using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Training;

/// <summary>LoRA+: the first step of AdamW without decay moves every number whose gradient is not zero by its learning rate, whatever the gradient.</summary>
public sealed class LoraPlusTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void B_and_magnitudes_learn_ratio_times_as_fast_as_A(bool useDora)
    {
        using var model = new OneTarget(5, 4);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = useDora }).Trained();
        model.ActiveAdapter = adapter;
        var parameters = adapter.parameters().ToList();
        var before = parameters.ConvertAll(Values.Flat);

        var groups = adapter.ParameterGroups(learningRate: 1e-3, ratio: 16);
        var optimizer = optim.AdamW(groups, lr: 1, weight_decay: 0);
        model.call(Base.Input(9, 5)).square().sum().backward();
        optimizer.step();

        double[] rates = useDora ? [1e-3, 16e-3, 16e-3] : [1e-3, 16e-3];
        Assert.Equal(rates.Length, parameters.Count);
        Assert.Equal(parameters.Count, groups.Sum(group => group.Parameters.Count()));
        for (var p = 0; p < rates.Length; p++)
            Assert.All(before[p].Zip(Values.Flat(parameters[p])), pair => Assert.Equal(rates[p], Math.Abs(pair.First - pair.Second), tolerance: 0.01 * rates[p]));
    }

    [Fact]
    public void An_embedding_has_a_rate_of_its_own()
    {
        using var model = new OneEmbedding(6, 4);
        using var adapter = model.CreateAdapter();
        var group = Assert.Single(adapter.ParameterGroups(1e-3, 16));
        Assert.Equal((1e-6, 2), (group.Options.LearningRate, group.Parameters.Count()));
        Assert.Equal(0.25, Assert.Single(adapter.ParameterGroups(1e-3, 16, embeddingLearningRate: 0.25)).Options.LearningRate);
    }

    [Theory]
    [InlineData(0, 16, 1)]
    [InlineData(-1, 16, 1)]
    [InlineData(1, 0.5, 1)]
    [InlineData(1, 16, 0)]
    public void Rates_out_of_range_are_refused(double rate, double ratio, double ofEmbedding)
    {
        using var model = new OneTarget(5, 4);
        using var adapter = model.CreateAdapter();
        Assert.Throws<ArgumentOutOfRangeException>(() => adapter.ParameterGroups(rate, ratio, ofEmbedding));
    }
}
