using LoraGen.Tests.Combining;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Compression;

/// <summary>A smaller adapter against the truncated decomposition by Jacobi rotations.</summary>
public sealed class CompressTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_lower_rank_is_the_best_approximation(int rank)
    {
        using var model = new OneTarget(9, 7);
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = 6, UseRslora = true }).Trained();
        var before = Base.Bytes(adapter);

        var derived = model.Compress(adapter, rank);

        using var smaller = derived.Adapter;
        var (expected, values) = JacobiSvd.Truncate(Deltas.Of(adapter.proj), rank);
        Assert.Equal(new LoraScale(rank, rank, false), smaller.proj.Scale);
        Assert.InRange(Deltas.Distance(expected, Deltas.Of(smaller.proj)), 0, 1e-6);
        Assert.Equal(Math.Sqrt(values.Skip(rank).Sum(value => value * value) / values.Sum(value => value * value)), derived.RelativeError, 1e-9);
        Assert.Equal(before, Base.Bytes(adapter));
    }

    [Fact]
    public void All_of_the_energy_is_all_of_the_update()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var derived = model.Compress(adapter, RankChoice.KeepingEnergy(1));
        using var same = derived.Adapter;
        Assert.Equal(adapter.Updates.Select(update => update.Path), same.Updates.Select(update => update.Path));
        Assert.InRange(derived.RelativeError, 0, 1e-7);
        Assert.All(adapter.Updates.Zip(same.Updates), pair => Assert.InRange(Deltas.Distance(Deltas.Of(pair.First), Deltas.Of(pair.Second)), 0, 1e-6));
    }
}
