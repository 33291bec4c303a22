using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Initialisation;

/// <summary>The starts that look at nothing of the base: PEFT's gaussian, false and orthogonal.</summary>
public sealed class RandomStartTests : IDisposable
{
    private const int Rank = 50;

    private readonly Generator _generator = new(11, CPU);

    public void Dispose() => _generator.Dispose();

    [Fact]
    public void Random_of_an_embedding_draws_both_from_a_standard_normal_distribution()
    {
        using var model = new OneEmbedding(400, 400);
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = Rank, Init = LoraInit.Random }, _generator);
        foreach (var factor in new[] { adapter.proj.A, adapter.proj.B })
            Assert.InRange(KolmogorovSmirnov.Statistic(Values.Flat(factor), KolmogorovSmirnov.Normal(1)), 0, KolmogorovSmirnov.OneInAThousand);
    }

    // A's rows lie in half of the r directions, so that the mean of its squares is (1/10)^2 / 2; so do B's, in the other half.
    [Fact]
    public void Orthogonal_draws_A_and_B_whose_product_is_zero()
    {
        using var model = new OneTarget(300, 400);
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = Rank, Init = LoraInit.Orthogonal }, _generator);
        var (a, b) = (Values.Matrix(adapter.proj.A), Values.Matrix(adapter.proj.B));
        Assert.InRange(a.Cast<double>().Average(value => value * value), 0.0045, 0.0055);
        Assert.InRange(b.Cast<double>().Average(value => value * value), 0.0045, 0.0055);
        for (var o = 0; o < 400; o += 7)
        {
            for (var i = 0; i < 300; i += 7)
            {
                var (sum, size) = (0.0, 0.0);
                for (var k = 0; k < Rank; k++)
                    (sum, size) = (sum + (b[o, k] * a[k, i]), size + Math.Abs(b[o, k] * a[k, i]));
                Assert.InRange(Math.Abs(sum), 0, 1e-5 * size);
            }
        }
    }

    [Fact]
    public void Orthogonal_of_an_odd_rank_is_refused()
    {
        using var model = new OneTarget(4, 4);
        Assert.Contains(
            "proj: rank: expected a value that is even for LoraInit.Orthogonal, found 3", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { Init = LoraInit.Orthogonal })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LoraInit.Orthogonal)]
    [InlineData(LoraInit.Pissa)]
    [InlineData(LoraInit.Olora)]
    [InlineData(LoraInit.Loftq)]
    [InlineData(LoraInit.Eva)]
    public void An_embedding_cannot_begin_with_a_start_for_linear_layers(LoraInit init)
    {
        using var model = new OneEmbedding(6, 6);
        Assert.Contains(
            $"proj: Init: expected a value that an embedding can begin with: Kaiming, Gaussian or Random, found {init}",
            Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { Init = init })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_start_that_is_none_is_refused()
    {
        using var model = new OneTarget(4, 4);
        Assert.Contains("proj: Init: expected a value of LoraInit, found 99", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { Init = (LoraInit)99 })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LoraInit.Gaussian)]
    [InlineData(LoraInit.Random)]
    [InlineData(LoraInit.Orthogonal)]
    public void The_same_generator_gives_the_same_values(LoraInit init)
    {
        using var model = new OneTarget(5, 6);
        Assert.Equal(Drawn(1), Drawn(1));
        Assert.NotEqual(Drawn(1)["proj.lora_A.weight"], Drawn(2)["proj.lora_A.weight"]);

        Dictionary<string, byte[]> Drawn(ulong seed)
        {
            using var generator = new Generator(seed, CPU);
            using var adapter = model.CreateAdapter(new LoraConfig { Rank = 4, Init = init }, generator);
            return Base.Bytes(adapter);
        }
    }
}
