using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Combining;

/// <summary>A start out of the base is part of the update; DoRA is no sum, and is refused.</summary>
public sealed class CombinedVariantsTests
{
    [Theory]
    [InlineData(CombineMethod.Cat, 7)]
    [InlineData(CombineMethod.Svd, 4)]
    public void What_is_combined_is_the_change_since_the_start(CombineMethod method, int rank)
    {
        using var model = new OneTarget(9, 7);
        using var plain = model.CreateAdapter().Trained(seed: 1);
        using var started = model.CreateAdapter(new LoraConfig { Init = LoraInit.Pissa, Rank = 2 });
        var start = Deltas.Of(started.proj);
        started.Trained(seed: 2);
        var expected = Deltas.Sum((0.5, Deltas.Of(plain.proj)), (2, Deltas.Of(started.proj)), (-2, start));
        if (method == CombineMethod.Svd)
            expected = JacobiSvd.Truncate(expected, rank).Approximation;
        using var adapter = model.Combine(new CombineOptions { Method = method }, (plain, 0.5), (started, 2)).Adapter;
        Assert.Equal(rank, adapter.proj.Scale.Rank);
        Assert.InRange(Deltas.Distance(expected, Deltas.Of(adapter.proj)), 0, 1e-6);
    }

    [Fact]
    public void Slices_are_not_extracted()
    {
        using var model = new OneFused(4, 6);
        Assert.Contains(
            "Extract: proj: expected an update that is s B A of the whole projection, found one of its slices",
            Assert.Throws<LoraException>(() => model.Extract(model.state_dict(), rank: 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DoRA_is_refused()
    {
        using var model = new OneTarget(4, 4);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = true }).Trained();
        const string message = "Combine: proj: expected an update that is s B A, found DoRA's";
        Assert.Contains(message, Assert.Throws<LoraException>(() => model.Combine(new CombineOptions(), (adapter, 1))).Message, StringComparison.Ordinal);
        var before = Base.Bytes(model);
        Assert.Contains(message, Assert.Throws<LoraException>(() => model.Merge((adapter, 1))).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }
}
