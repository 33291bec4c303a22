using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Threads;

/// <summary>
/// Two threads, each with a model object of its own over the same weights (<see cref="Base.Sharing"/>): which adapter is active belongs
/// to the object, the weights to neither. What they do at once is, bit for bit, what they do one after the other.
/// </summary>
public sealed class TwoModelsTests
{
    private const int Steps = 60;

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Training_swaps_and_calls_at_once_give_what_they_give_one_after_the_other(ScalarType dtype)
    {
        using var weights = new Tower();
        weights.to(dtype);
        var before = Base.Bytes(weights);

        var apart = new[] { Work(weights, dtype, 1), Work(weights, dtype, 2) };
        var together = AtOnce(seed => Work(weights, dtype, seed), 1, 2);

        Assert.NotEqual(apart[0], apart[1]);
        Assert.Equal(apart[0], together[0]);
        Assert.Equal(apart[1], together[1]);
        Assert.Equal(before, Base.Bytes(weights));
    }

    // Trains one adapter while another is swapped in for a look in between; returns everything that came out.
    private static List<byte[]> Work(Tower weights, ScalarType dtype, ulong seed)
    {
        var found = new List<byte[]>();
        using var model = new Tower();
        model.to(dtype);
        model.Sharing(weights);
        using var generator = new Generator(seed, CPU);
        using var trained = model.CreateAdapter(generator: generator);
        using var other = model.CreateAdapter(new LoraConfig { Rank = 1 }, generator).Trained(seed);
        other.eval();
        using var optimizer = optim.AdamW(trained.parameters(), lr: 0.01 * seed);
        using var x = Base.Input(6, Tower.Width).to_type(dtype);
        for (var step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            model.ActiveAdapter = trained;
            optimizer.zero_grad();
            (model.call(x) - 1).square().mean().backward();
            optimizer.step();
            Look(trained);
            Look(other);
            Look(null);
        }

        found.AddRange(Base.Bytes(trained).OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => item.Value));
        return found;

        void Look(Tower.Adapter? adapter)
        {
            using var inference = no_grad();
            model.ActiveAdapter = adapter;
            found.Add(Base.Bytes(model.call(x)));
        }
    }

    // Each thread on the first call of an adapter that has kept nothing yet, again and again.
    [Fact]
    public void One_adapter_in_evaluation_mode_serves_many_threads()
    {
        using var weights = new OneTarget(8, 8, dtype: ScalarType.BFloat16);
        using var x = Base.Input(4, 8).to_type(ScalarType.BFloat16);
        using var adapter = weights.CreateAdapter().Trained();
        weights.ActiveAdapter = adapter;
        var expected = Call(weights);
        var before = Tensor.TotalCount;
        for (var round = 0; round < 100; round++)
        {
            adapter.train();
            adapter.eval();
            Assert.All(AtOnce(_ => Call(weights), 1, 2, 3, 4), found => Assert.Equal(expected, found));
        }

        // Copies that several threads have made are not lost. The garbage collector may free some other test's tensors meanwhile.
        adapter.train();
        Assert.InRange(Tensor.TotalCount, 0, before);

        byte[] Call(OneTarget model)
        {
            using var inference = no_grad();
            using var y = model.call(x);
            return Base.Bytes(y);
        }
    }

    [Fact]
    public void Disposing_one_model_leaves_the_others_weights()
    {
        using var weights = new Tower();
        var before = Base.Bytes(weights);
        new Tower().Sharing(weights).Dispose();
        Assert.Equal(before, Base.Bytes(weights));
    }

    // The barrier lets no thread finish before another has begun. A dispose scope and no_grad belong to the thread that they are made on.
    private static TResult[] AtOnce<TResult>(Func<ulong, TResult> work, params ulong[] seeds)
    {
        using var start = new Barrier(seeds.Length);
        var results = new TResult[seeds.Length];
        var failures = new Exception?[seeds.Length];
        var threads = seeds.Select((seed, i) => new Thread(() =>
        {
            try
            {
                set_num_threads(1);
                start.SignalAndWait();
                results[i] = work(seed);
            }
            catch (Exception failure)
            {
                failures[i] = failure;
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.All(failures, Assert.Null);
        return results;
    }
}
