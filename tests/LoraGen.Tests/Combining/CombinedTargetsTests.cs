using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Combining;

/// <summary>Trees of projections: those that only some adapters have, every kind, any name, and through the files.</summary>
public sealed class CombinedTargetsTests
{
    [Fact]
    public void An_adapter_that_lacks_a_projection_counts_as_zero_there()
    {
        using var model = new Tower();
        using var first = model.CreateAdapter(new LoraConfig { TargetModules = ["up"] }).Trained(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { TargetModules = ["up", "lm_head"] }).Trained(seed: 2);

        var derived = model.Combine(new CombineOptions { Method = CombineMethod.Cat }, (first, 2), (second, -1));

        using var adapter = derived.Adapter;
        Assert.Equal(second.Updates.Select(update => update.Path), adapter.Updates.Select(update => update.Path));
        Assert.Equal(adapter.Updates.Select(update => (update.Path, update.Scale.Rank)), derived.Errors.Select(error => (error.Path, error.Rank)));
        Assert.InRange(Deltas.Distance(Deltas.Sum((-1, Deltas.Of(second._head))), Deltas.Of(adapter._head)), 0, 1e-6);
        var (one, two) = (first.floors[1]._rooms[0].up, second.floors[1]._rooms[0].up);
        Assert.InRange(Deltas.Distance(Deltas.Sum((2, Deltas.Of(one)), (-1, Deltas.Of(two))), Deltas.Of(adapter.floors[1]._rooms[0].up)), 0, 1e-6);
    }

    // Eckart and Young over all projections at once: sorted by hand, the largest values until their squares reach the share.
    [Fact]
    public void Energy_is_counted_over_all_projections()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        using (no_grad())
            adapter.floors[0]._rooms[1].down.B.mul_(1e-3);
        var values = adapter.Updates
            .SelectMany(update => JacobiSvd.Truncate(Deltas.Of(update), update.Scale.Rank).Values.Take(update.Scale.Rank).Select(value => (update.Path, Square: value * value)))
            .OrderByDescending(item => item.Square)
            .ToList();
        var (kept, sum) = (new List<string>(), 0.0);
        foreach (var (path, square) in values.TakeWhile(_ => sum < 0.8 * values.Sum(item => item.Square)))
        {
            kept.Add(path);
            sum += square;
        }

        var derived = model.Combine(new CombineOptions { Rank = RankChoice.KeepingEnergy(0.8) }, (adapter, 1));

        using var smaller = derived.Adapter;
        Assert.Equal(adapter.Updates.Select(update => (update.Path, kept.Count(path => path == update.Path))), derived.Errors.Select(error => (error.Path, error.Rank)));
        Assert.Equal(derived.Errors.Where(error => error.Rank > 0).Select(error => (error.Path, error.Rank)), smaller.Updates.Select(update => (update.Path, update.Scale.Rank)));
        Assert.False(smaller.floors[0]._rooms[1].down.IsTargeted);
        Assert.Equal(Math.Sqrt(1 - (sum / values.Sum(item => item.Square))), derived.RelativeError, 1e-9);
    }

    [Fact]
    public void The_files_hold_ranks_that_differ_from_projection_to_projection()
    {
        using var folder = new ScratchFolder();
        using var model = new Tower();
        using var first = model.CreateAdapter().Trained(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { TargetModules = ["floors.0.entrance.up", "down"], Rank = 4 }).Trained(seed: 2);
        using var adapter = model.Combine(new CombineOptions { Method = CombineMethod.Cat }, (first, 0.5), (second, 0.5)).Adapter;
        adapter.Save(folder.Path);
        using var loaded = Tower.Adapter.Load(folder.Path, model);
        Assert.Equal(adapter.Updates.Select(update => (update.Path, update.Scale)), loaded.Updates.Select(update => (update.Path, update.Scale)));
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    // As regular expressions, these names mean something else or nothing.
    [Fact]
    public void Names_are_not_read_as_patterns()
    {
        using var model = new Odd();
        using var first = model.CreateAdapter(new LoraConfig { TargetModules = ["w+", "a|b #(c)"] }).Trained();
        using var second = model.CreateAdapter(new LoraConfig { TargetModules = ["w[", "a|b #(c)"] }).Trained();
        using var adapter = model.Combine(new CombineOptions { Method = CombineMethod.Cat }, (first, 1), (second, 1)).Adapter;
        Assert.Equal(["w+", "w[", "a|b #(c)"], adapter.Updates.Select(update => update.Path));
        Assert.Equal([2, 3, 8], adapter.Updates.Select(update => update.Scale.Rank));
    }

    // Conv1D and embeddings store their weight the other way round; A and B are as everywhere.
    [Fact]
    public void Every_kind_combines()
    {
        using var model = new Gpt();
        var config = new LoraConfig { TargetModules = ["wte", "c_attn", "lm_head"], Rank = 2 };
        using var first = model.CreateAdapter(config).Trained(seed: 1);
        using var second = model.CreateAdapter(config).Trained(seed: 2);
        using var adapter = model.Combine(new CombineOptions { Method = CombineMethod.Svd, Rank = 4 }, (first, 0.5), (second, 2)).Adapter;
        foreach (var ((one, two), both) in first.Updates.Zip(second.Updates).Zip(adapter.Updates))
        {
            Assert.InRange(Deltas.Distance(Deltas.Sum((0.5, Deltas.Of(one)), (2, Deltas.Of(two))), Deltas.Of(both)), 0, 1e-6);
        }

        using var ids = tensor(new long[] { 0, 3, 6 });
        model.ActiveAdapter = adapter;
        using var active = model.call(ids);
        model.Merge(adapter);
        using var merged = model.call(ids);
        Assert.All(Values.Flat(active).Zip(Values.Flat(merged)), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }
}
