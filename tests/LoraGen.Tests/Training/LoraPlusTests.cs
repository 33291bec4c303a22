using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
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

    // PEFT gives matrices the rate of A and vectors that of B.
    [Fact]
    public void What_is_saved_whole_learns_too()
    {
        using var model = new OneTarget(5, 4);
        using var adapter = model.CreateAdapter(new LoraConfig { ModulesToSave = [], Rank = 2 });
        Assert.Equal([0.5, 2], adapter.LearningRates(0.5, ratio: 4).Select(group => group.LearningRate));
        using var classified = new Classified();
        using var saving = classified.CreateAdapter(new LoraConfig { ModulesToSave = ["out_proj"] });
        var groups = saving.LearningRates(0.5, ratio: 4);
        Assert.Equal(saving.parameters().Count(), groups.Sum(group => group.Parameters.Count));
        var whole = saving.SavedProjections.Single();
        Assert.Equal((0.5, 2.0), (RateOf(whole.Weight), RateOf(whole.Bias!)));

        double RateOf(Parameter parameter) => groups.Single(group => group.Parameters.Contains(parameter)).LearningRate;
    }

    // s0 sqrt(r0) / (s sqrt(r)) with r0 = 4: sqrt(r / 4) where alpha is common, 1 with rank stabilisation, sqrt(4 / r) where s is common.
    [Theory]
    [InlineData(1, 12, false, 0.5)]
    [InlineData(4, 12, false, 1)]
    [InlineData(9, 12, false, 1.5)]
    [InlineData(1, 12, true, 1)]
    [InlineData(9, 12, true, 1)]
    [InlineData(1, 3, false, 2)]
    [InlineData(9, 27, false, 2 / 3.0)]
    public void The_rates_follow_the_rank_by_the_reference(int rank, double alpha, bool rslora, double factor)
    {
        using var model = new OneTarget(10, 11);
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = rank, Alpha = alpha, UseRslora = rslora, UseDora = true }).Trained();
        model.ActiveAdapter = adapter;
        var parameters = adapter.parameters().ToList();
        var before = parameters.ConvertAll(Values.Flat);

        var groups = adapter.LearningRates(1e-3, ratio: 4, reference: new LoraScale(4, 12, rslora));
        var optimizer = optim.SGD(groups.Select(group => new SGD.ParamGroup(group.Parameters, new SGD.Options { LearningRate = group.LearningRate })), 1);
        model.call(Base.Input(9, 10)).square().sum().backward();
        var gradients = parameters.ConvertAll(parameter => Values.Flat(parameter.grad!));
        optimizer.step();

        // The magnitude is no factor of the product.
        double[] rates = [1e-3 * factor, 4e-3 * factor, 4e-3];
        for (var p = 0; p < rates.Length; p++)
        {
            var (old, gradient, found) = (before[p], gradients[p], Values.Flat(parameters[p]));
            Assert.All(found, (value, i) => Assert.Equal(old[i] - (rates[p] * gradient[i]), value, tolerance: 1e-5 * Math.Max(1, Math.Abs(gradient[i]))));
        }
    }

    // What rank stabilisation does to the scale, done to the rate: under SGD the products stay equal, step by step, where they begin so.
    [Fact]
    public void Trained_at_these_rates_an_adapter_is_one_with_rank_stabilisation()
    {
        const int rank = 9;
        using var model = new OneTarget(10, 11, dtype: ScalarType.Float64);
        using var plain = model.CreateAdapter(new LoraConfig { Rank = rank, Alpha = 6 }).Trained();
        using var stabilised = model.CreateAdapter(new LoraConfig { Rank = rank, Alpha = 6, UseRslora = true });
        plain.to(ScalarType.Float64);
        stabilised.to(ScalarType.Float64);
        using (no_grad())
        {
            // alpha / sqrt(9) is three times alpha / 9: each factor takes the root of that.
            stabilised.proj.A.copy_(plain.proj.A / Math.Sqrt(3));
            stabilised.proj.B.copy_(plain.proj.B / Math.Sqrt(3));
        }

        const double rate = 1e-3;
        Train(plain, plain.LearningRates(rate, reference: new LoraScale(1, 6, false)));
        Train(stabilised, [new LearningRateGroup([.. stabilised.parameters()], rate)]);

        Assert.All(
            Values.Flat(stabilised.proj.Delta(ScalarType.Float64)).Zip(Values.Flat(plain.proj.Delta(ScalarType.Float64))),
            pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-12));

        void Train(OneTarget.Adapter adapter, IReadOnlyList<LearningRateGroup> groups)
        {
            model.ActiveAdapter = adapter;
            var optimizer = optim.SGD(groups.Select(group => new SGD.ParamGroup(group.Parameters, new SGD.Options { LearningRate = group.LearningRate })), 1);
            for (var step = 0; step < 5; step++)
            {
                optimizer.zero_grad();
                model.call(Base.Input(9, 10).to_type(ScalarType.Float64)).square().sum().backward();
                optimizer.step();
            }
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void A_reference_that_is_no_scale_is_refused(int rank, double alpha)
    {
        using var model = new OneTarget(5, 4);
        using var adapter = model.CreateAdapter();
        Assert.Throws<ArgumentOutOfRangeException>(() => adapter.LearningRates(1, reference: new LoraScale(rank, alpha, false)));
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
