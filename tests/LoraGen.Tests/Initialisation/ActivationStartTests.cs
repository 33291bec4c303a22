using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Initialisation;

/// <summary>EVA: A has the directions in which the inputs vary most, by a decomposition of all of them at once.</summary>
public sealed class ActivationStartTests : IDisposable
{
    private const int Width = 12;

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly Generator _generator = new(3, CPU);

    private static readonly EvaOptions Fixed = new() { Rho = 1 };

    // Room for every direction, so that nothing is left out between the batches.
    private static readonly EvaOptions Whole = new() { Rho = 6, Tau = 1 };

    public void Dispose()
    {
        _generator.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.Float64, 1e-6)]
    [InlineData(ScalarType.BFloat16, 1e-5)]
    public void A_has_the_directions_of_a_Linears_inputs_and_B_is_zero(ScalarType dtype, double tolerance)
    {
        using var model = new OneTarget(Width, 5, dtype: dtype);
        var batches = Batches(4, 9).ConvertAll(batch => batch.to_type(dtype));
        var (adapter, targets) = Start(model, batches, x => model.call(x), options: Whole);
        using var owned = adapter;
        AssertDirections(new PrincipalDirections(Values.Matrix(cat(batches))), adapter.proj.A, tolerance);
        Assert.All(Values.Flat(adapter.proj.B), value => Assert.Equal(0, value));
        Assert.Equal(("proj", 3, 36), (targets[0].Path, targets[0].Rank, targets[0].Rows));
        Assert.Equal(ScalarType.Float32, adapter.proj.A.dtype);
    }

    [Fact]
    public void A_has_the_directions_of_a_Conv1Ds_inputs_on_any_number_of_axes()
    {
        using var model = new OneConv1D(Width, 5, ScalarType.Float32);
        var batches = Batches(3, 12);
        var (adapter, _) = Start(model, batches, x => model.call(x.view(2, 3, 2, Width)), options: Whole);
        using var owned = adapter;
        AssertDirections(new PrincipalDirections(Values.Matrix(cat(batches))), adapter.proj.A, 1e-5);
    }

    // With as many directions kept as are wanted, each batch loses some; of a spectrum that falls, the first ones stay what they are.
    [Fact]
    public void With_little_memory_the_directions_are_nearly_the_same()
    {
        using var model = new OneTarget(Width, 5);
        var batches = Batches(10, 20);
        var (adapter, targets) = Start(model, batches, x => model.call(x), options: Fixed with { Tau = 1 });
        using var owned = adapter;
        var expected = new PrincipalDirections(Values.Matrix(cat(batches)));
        AssertDirections(expected, adapter.proj.A, 0.1);
        Assert.Equal(expected.Shares.Take(3).Sum(), targets[0].Explained, tolerance: 0.01);
        Assert.False(targets[0].IsConverged);
    }

    [Fact]
    public void A_new_adapter_leaves_every_bit_of_the_base_and_of_its_output()
    {
        using var model = new Room(5, 7);
        model.train();
        var (x, before) = (Base.Input(4, 5), Base.Bytes(model));
        var output = Base.Bytes(model.call(x));
        var (adapter, _) = Start(model, Batches(3, 10, 5), batch => model.call(batch));
        using var owned = adapter;
        model.ActiveAdapter = adapter;
        Assert.Equal(output, Base.Bytes(model.call(x)));
        Assert.Equal(before, Base.Bytes(model));
        Assert.All(model.parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    // The inputs of each projection, by hand; the budget of 5 goes to the largest shares.
    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void The_ranks_go_to_the_largest_shares_of_the_variance(bool adjustScale, bool rslora)
    {
        using var model = new Room(5, 7);
        var x = Base.Input(40, 5) * tensor(new[] { 5f, 1, 1, 0.1f, 0.1f });
        var weights = model.state_dict();
        using (no_grad())
        {
            weights["up.weight"].copy_(Base.Input(7, 5) * tensor(new[] { 0.01f, 1, 1, 9, 9 }));
            weights["up.bias"].zero_();
        }

        var inner = functional.linear(x, weights["up.weight"], weights["up.bias"]).tanh();
        double[][] shares = [new PrincipalDirections(Values.Matrix(x)).Shares, new PrincipalDirections(Values.Matrix(inner)).Shares];
        var kept = shares.SelectMany((all, target) => all.Select(share => (target, share))).OrderByDescending(item => item.share).Take(5).ToList();
        int[] ranks = [.. Enumerable.Range(0, 2).Select(target => kept.Count(item => item.target == target))];
        Assert.NotEqual([3, 2], ranks);

        var (adapter, targets) = Start(model, x.chunk(4), batch => model.call(batch), new LoraConfig { UseRslora = rslora }, new EvaOptions { Rho = 4, Tau = 1, AdjustScale = adjustScale });
        using var owned = adapter;

        Assert.Equal(ranks, targets.Select(target => target.Rank));
        Assert.Equal(ranks, adapter.Updates.Select(update => update.Scale.Rank));
        Assert.Equal(shares.Zip(ranks, (all, rank) => all.Take(rank).Sum()), targets.Select(target => target.Explained), (expected, found) => Math.Abs(expected - found) < 1e-5);
        (int Rank, double Alpha)[] given = [(3, 6), (2, 5)];
        Assert.All(adapter.Updates.Zip(given), item =>
        {
            if (adjustScale)
                Assert.Equal(new LoraScale(item.Second.Rank, item.Second.Alpha, rslora).Factor, item.First.Scale.Factor, tolerance: 1e-12);
            else
                Assert.Equal(item.Second.Alpha, item.First.Scale.Alpha);
        });
    }

    [Fact]
    public void Without_a_larger_share_the_ranks_stay_and_rho_bounds_them()
    {
        using var model = new Room(5, 7);
        var x = Base.Input(40, 5) * tensor(new[] { 9f, 1, 1, 1, 1 });
        foreach (var (rho, least) in new[] { (1.0, 3), (1.4, 2) })
        {
            var (adapter, targets) = Start(model, x.chunk(4), batch => model.call(batch), options: new EvaOptions { Rho = rho });
            adapter.Dispose();
            Assert.InRange(targets[0].Rank, least, (int)Math.Round(3 * rho));
            Assert.InRange(targets[1].Rank, 5 - (int)Math.Round(3 * rho), (int)Math.Round(2 * rho));
            Assert.Equal(5, targets.Sum(target => target.Rank));
        }
    }

    [Fact]
    public void A_projection_that_gets_no_rank_is_not_adapted_and_the_files_say_so()
    {
        using var folder = new Files.ScratchFolder();
        using var model = new Pair(Width);
        var (even, uneven) = (Base.Input(30, Width) * 0.1, Base.Input(30, Width) * tensor([.. Enumerable.Range(0, Width).Select(i => i < 2 ? 10f : 0.01f)]));
        var (adapter, targets) = Start(model, [(even, uneven)], batch => model.call(batch.even, batch.uneven), new LoraConfig { Rank = 1 });
        using var owned = adapter;
        Assert.Equal([("left", 0), ("right", 2)], targets.Select(target => (target.Path, target.Rank)));
        Assert.Equal((false, 2), (adapter.left.IsTargeted, adapter.right.Scale.Rank));
        Assert.Equal(0, targets[0].Explained);

        adapter.Trained();
        adapter.Save(folder.Path);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(folder.PathOf("adapter_config.json")))!;
        Assert.Equal((2, 12.0), (config["r"]!.GetValue<int>(), config["lora_alpha"]!.GetValue<double>()));
        Assert.Equal("right", config["target_modules"]![0]!.GetValue<string>());
        using var loaded = Pair.Adapter.Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    [Fact]
    public void Whitened_directions_are_divided_by_the_root_of_their_singular_value()
    {
        using var model = new OneTarget(Width, 5);
        var batches = Batches(3, 20);
        var (adapter, _) = Start(model, batches, x => model.call(x), options: Whole with { Whiten = true });
        using var owned = adapter;
        var (expected, a) = (new PrincipalDirections(Values.Matrix(cat(batches))), Values.Matrix(adapter.proj.A));
        for (var k = 0; k < 3; k++)
            Assert.Equal(1 / Math.Sqrt(expected.Values[k]), DoraLinear.Norm(a, k), tolerance: 1e-5);
    }

    [Fact]
    public void The_mask_says_which_vectors_count()
    {
        using var model = new OneTarget(Width, 5);
        var x = Base.Input(4, 6, Width) * Falling();
        var mask = tensor([.. Enumerable.Range(0, 24).Select(i => i % 5 < 3)]).view(4, 6);
        var (adapter, targets) = Start(model, [x], batch => model.call(batch), options: Whole, mask: _ => mask.clone());
        using var owned = adapter;
        var (all, kept) = (Values.Matrix(x), Enumerable.Range(0, 24).Where(i => i % 5 < 3).ToArray());
        var rows = new double[kept.Length, Width];
        for (var i = 0; i < kept.Length; i++)
        {
            for (var j = 0; j < Width; j++)
                rows[i, j] = all[kept[i], j];
        }

        Assert.Equal(kept.Length, targets[0].Rows);
        AssertDirections(new PrincipalDirections(rows), adapter.proj.A, 1e-5);
    }

    // The decomposition of few directions begins with random ones: only one that is shared has the same bits.
    [Fact]
    public void Projections_with_one_input_share_their_directions_as_long_as_it_is_not_written()
    {
        using var model = new Pair(Width);
        var batches = Batches(3, 30);
        Assert.True(AreShared(x => model.call(x, x)));
        Assert.False(AreShared(x => model.call(x, x.clone())));
        model.Between = y => y.mul_(2);
        Assert.False(AreShared(x => x.clone() is var copy ? model.call(copy, copy) : x));

        bool AreShared(Func<Tensor, Tensor> forward)
        {
            var (adapter, _) = Start(model, batches, x => forward(x), options: Fixed with { Tau = 1 });
            using var owned = adapter;
            return Base.Bytes(adapter.left.A).SequenceEqual(Base.Bytes(adapter.right.A));
        }
    }

    [Fact]
    public void It_ends_when_all_directions_are_found_and_tells_how_far_it_is()
    {
        using var model = new Pair(Width);
        var told = new List<EvaProgress>();
        var (adapter, targets) = Start(model, Endless(Batches(1, 30)[0]), x => model.call(x, x + 1), options: Fixed, progress: new Told(told.Add));
        adapter.Dispose();
        Assert.Equal([new EvaProgress(1, 0, 2), new EvaProgress(2, 2, 2)], told);
        Assert.All(targets, target => Assert.True(target.IsConverged));

        static IEnumerable<Tensor> Endless(Tensor batch)
        {
            while (true)
                yield return batch;
        }
    }

    [Fact]
    public void It_runs_in_evaluation_mode_and_gives_each_module_its_own_back()
    {
        using var model = new Pair(Width);
        model.train();
        var left = model.named_modules().Single(item => item.name == "left").module;
        left.eval();
        var modes = new List<bool>();
        var (adapter, _) = Start(model, Batches(2, 9), x =>
        {
            modes.Add(model.training || left.training);
            Assert.False(model.call(x, x).requires_grad);
        });
        adapter.Dispose();
        Assert.Equal([false, false], modes);
        Assert.Equal((true, false), (model.training, left.training));
    }

    [Fact]
    public void Cancelled_or_failed_it_leaves_no_hook_no_mode_and_no_tensor()
    {
        using var model = new Pair(Width);
        var batches = Batches(2, 9);
        model.call(batches[0], batches[0]).Dispose();
        using var cancellation = new CancellationTokenSource();
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Assert.Throws<OperationCanceledException>(() => Start(model, batches, x => model.call(x, x), progress: new Told(_ => cancellation.Cancel()), cancellation: cancellation));
        Assert.Throws<InvalidOperationException>(() => Start(model, batches, x =>
        {
            _ = model.call(x, x);
            throw new InvalidOperationException();
        }));
        var calls = 0;
        var (adapter, targets) = Start(model, batches, x => model.call(x, x), options: Fixed with { Tau = 1 }, mask: x => (++calls > 0) ? x.select(1, 0).isfinite() : x);
        adapter.Dispose();

        Assert.Equal((2, true), (calls, model.training));
        Assert.Equal([18L, 18L], targets.Select(target => target.Rows));
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        model.call(batches[0].to_type(ScalarType.Float32), batches[0] * float.NaN).Dispose();
    }

    [Fact]
    public void With_DoRA_the_magnitude_is_the_bases()
    {
        using var model = new OneTarget(Width, 5);
        var x = Base.Input(4, Width);
        var output = Base.Bytes(model.call(x));
        var (adapter, _) = Start(model, Batches(2, 9), batch => model.call(batch), new LoraConfig { UseDora = true });
        using var owned = adapter;
        model.ActiveAdapter = adapter;
        Assert.Equal(output, Base.Bytes(model.call(x)));
    }

    private EvaStart<TAdapter> Start<TAdapter, TBatch>(
        ILoraModel<TAdapter> model,
        IEnumerable<TBatch> batches,
        Action<TBatch> forward,
        LoraConfig? config = null,
        EvaOptions? options = null,
        Func<TBatch, Tensor>? mask = null,
        IProgress<EvaProgress>? progress = null,
        CancellationTokenSource? cancellation = null)
        where TAdapter : LoraAdapter
        => model.CreateAdapterFromActivations(batches, forward, config, options, mask, _generator, progress, cancellation?.Token ?? TestContext.Current.CancellationToken);

    private static Tensor Falling(int width = Width) => tensor([.. Enumerable.Range(0, width).Select(i => (float)Math.Pow(0.6, i))]);

    // Each axis varies less than the one before it, and their mean is not zero.
    private static List<Tensor> Batches(int count, int rows, int width = Width)
        => [.. ((Base.Input(count * rows, width) + 0.5) * Falling(width)).chunk(count)];

    private static void AssertDirections(PrincipalDirections expected, Tensor a, double tolerance)
    {
        var found = Values.Matrix(a);
        for (var k = 0; k < found.GetLength(0); k++)
        {
            var direction = expected.Direction(k);
            var sign = Math.Sign(direction.Select((value, j) => value * found[k, j]).Sum());
            Assert.All(direction, (value, j) => Assert.Equal(value * sign, found[k, j], tolerance));
        }
    }

    private sealed class Told(Action<EvaProgress> tell) : IProgress<EvaProgress>
    {
        public void Report(EvaProgress value) => tell(value);
    }
}
