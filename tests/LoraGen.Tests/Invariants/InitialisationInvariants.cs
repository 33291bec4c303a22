using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's tests hold of new adapters (tests/test_initialization.py).</summary>
public sealed class InitialisationInvariants : IDisposable
{
    private const int In = 400;
    private const int Rank = 50;

    private readonly Generator _generator = new(11, CPU);
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _generator.Dispose();
    }

    // PEFT asks for kaiming_uniform with a = sqrt(5), which is this.
    [Fact]
    public void I01_A_new_A_is_uniform_within_one_over_the_root_of_in_and_not_normal_and_B_is_zero()
    {
        using var model = new OneTarget(In, 3);
        using var adapter = New(model, LoraInit.Kaiming);
        var (a, bound) = (Values.Flat(adapter.proj.A), 1 / Math.Sqrt(In));
        Assert.InRange(a.Max(Math.Abs), 0.999 * bound, bound);
        AssertIs(KolmogorovSmirnov.Uniform(bound), a);
        AssertIsNot(KolmogorovSmirnov.Normal(bound / Math.Sqrt(3)), a);
        AssertZero(adapter.proj.B);
    }

    [Fact]
    public void I02_A_gaussian_A_is_normal_of_deviation_one_over_r_and_not_uniform_and_B_is_zero()
    {
        using var model = new OneTarget(In, 3);
        using var adapter = New(model, LoraInit.Gaussian);
        var a = Values.Flat(adapter.proj.A);
        AssertIs(KolmogorovSmirnov.Normal(1.0 / Rank), a);
        AssertIsNot(KolmogorovSmirnov.Uniform(Math.Sqrt(3) / Rank), a);
        AssertZero(adapter.proj.B);
    }

    // PEFT: init_lora_weights=False, which leaves both as nn.Linear draws them.
    [Fact]
    public void I03_A_random_start_draws_B_too_so_that_the_output_is_not_the_bases()
    {
        using var model = new OneTarget(In, 300);
        using var adapter = New(model, LoraInit.Random);
        var (a, b) = (Values.Flat(adapter.proj.A), Values.Flat(adapter.proj.B));
        AssertIs(KolmogorovSmirnov.Uniform(1 / Math.Sqrt(In)), a);
        AssertIs(KolmogorovSmirnov.Uniform(1 / Math.Sqrt(Rank)), b);
        var x = Base.Input(2, In);
        var before = Base.Bytes(model.call(x));
        model.ActiveAdapter = adapter;
        Assert.NotEqual(before, Base.Bytes(model.call(x)));
    }

    [Theory]
    [InlineData(LoraInit.Kaiming)]
    [InlineData(LoraInit.Gaussian)]
    public void I04_An_embeddings_A_is_zero_and_its_B_normal(LoraInit init)
    {
        using var model = new OneEmbedding(6, In);
        using var adapter = New(model, init);
        AssertZero(adapter.proj.A);
        AssertIs(KolmogorovSmirnov.Normal(1), Values.Flat(adapter.proj.B));
    }

    // r and alpha of the config; those of the patterns go before it, each for itself.
    [Theory]
    [InlineData(false, 6 / 4.0, 6 / 9.0, 5 / 4.0, 5 / 9.0)]
    [InlineData(true, 6 / 2.0, 6 / 3.0, 5 / 2.0, 5 / 3.0)]
    public void I05_The_scale_is_alpha_over_r_or_over_its_root_under_patterns_too(bool rslora, double plain, double rank, double alpha, double both)
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter(new LoraConfig
        {
            Rank = 4,
            Alpha = 6,
            UseRslora = rslora,
            RankPattern = new Dictionary<string, int> { ["h.0.up"] = 9, ["lm_head"] = 9 },
            AlphaPattern = new Dictionary<string, double> { ["h.1.up"] = 5, ["^lm_head"] = 5 },
        }).Trained();
        var floor = adapter.floors[1];
        foreach (var (update, scale) in new[] { (floor.entrance.up, plain), (floor._rooms[0].up, rank), (floor._rooms[1].up, alpha), (adapter._head, both) })
        {
            Assert.Equal(scale, update.Scale.Factor, 1e-15);
            var (a, b, delta) = (Values.Matrix(update.A), Values.Matrix(update.B), Values.Matrix(update.Delta(ScalarType.Float64)));
            for (var o = 0; o < delta.GetLength(0); o++)
            {
                for (var i = 0; i < delta.GetLength(1); i++)
                    Assert.Equal(scale * Enumerable.Range(0, a.GetLength(0)).Sum(k => b[o, k] * a[k, i]), delta[o, i], 1e-12);
            }
        }
    }

    // PEFT subtracts pissa's and olora's start from a base that it rounds; here it is subtracted in the adapter's view and no bit changes.
    // Its mica is not offered. B A of an orthogonal start is zero but for rounding.
    [Theory]
    [InlineData(LoraInit.Kaiming, ScalarType.Float32, 0)]
    [InlineData(LoraInit.Kaiming, ScalarType.BFloat16, 0)]
    [InlineData(LoraInit.Gaussian, ScalarType.Float32, 0)]
    [InlineData(LoraInit.Pissa, ScalarType.Float32, 0)]
    [InlineData(LoraInit.Pissa, ScalarType.BFloat16, 0)]
    [InlineData(LoraInit.Olora, ScalarType.Float32, 0)]
    [InlineData(LoraInit.Olora, ScalarType.BFloat16, 0)]
    [InlineData(LoraInit.Orthogonal, ScalarType.Float32, 1e-6)]
    public void I06_A_new_adapter_leaves_the_output_of_the_base(LoraInit init, ScalarType dtype, double tolerance)
    {
        using var model = new Tower();
        model.to(dtype);
        var (weights, x) = (Base.Bytes(model), Base.Input(17, Tower.Width).to_type(dtype));
        var before = Values.Flat(model.call(x));

        using var adapter = model.CreateAdapter(new LoraConfig { Rank = 2, Init = init }, _generator);
        model.ActiveAdapter = adapter;

        Assert.All(before.Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, tolerance));
        Assert.Equal(weights, Base.Bytes(model));
    }

    private TAdapter New<TAdapter>(ILoraModel<TAdapter> model, LoraInit init)
        where TAdapter : LoraAdapter
        => model.CreateAdapter(new LoraConfig { Rank = Rank, Init = init }, _generator);

    // 15,000 values and more, fixed by their seed; of the wrong distribution, with the right deviation, the statistic is some 7.
    private static void AssertIs(Func<double, double> distribution, double[] sample)
        => Assert.InRange(KolmogorovSmirnov.Statistic(sample, distribution), 0, KolmogorovSmirnov.OneInAThousand);

    private static void AssertIsNot(Func<double, double> distribution, double[] sample)
        => Assert.InRange(KolmogorovSmirnov.Statistic(sample, distribution), 2 * KolmogorovSmirnov.OneInAThousand, double.MaxValue);

    private static void AssertZero(Tensor tensor) => Assert.All(Values.Flat(tensor), value => Assert.Equal(0, value));
}
