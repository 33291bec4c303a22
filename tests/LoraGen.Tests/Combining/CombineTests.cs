using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Combining;

/// <summary>Combined updates against plain loops in float64, and the errors that are reported against the norm of the difference.</summary>
public sealed class CombineTests : IDisposable
{
    private const int In = 9;
    private const int Out = 7;

    private readonly OneTarget _model = new(In, Out);
    private readonly OneTarget.Adapter _first;
    private readonly OneTarget.Adapter _second;

    public CombineTests()
    {
        _first = _model.CreateAdapter(new LoraConfig { Rank = 2 }).Trained(seed: 1);
        _second = _model.CreateAdapter(new LoraConfig { Rank = 4, UseRslora = true }).Trained(seed: 2);
    }

    private double[,] First => Deltas.Of(_first.proj);

    private double[,] Second => Deltas.Of(_second.proj);

    private double[,] Sum => Deltas.Sum((0.7, First), (-1.3, Second));

    [Fact]
    public void Cat_is_the_weighted_sum_at_the_sum_of_the_ranks()
    {
        var (adapter, errors) = Combine(CombineMethod.Cat);
        using var owned = adapter;
        Assert.Equal(new LoraScale(6, 6, false), adapter.proj.Scale);
        Assert.InRange(Deltas.Distance(Sum, Deltas.Of(adapter.proj)), 0, 1e-7);
        Assert.InRange(errors.Relative, 0, 1e-14);
        Assert.Equal(Deltas.Norm(Sum), errors.Norm, 1e-12 * errors.Norm);
    }

    [Theory]
    [InlineData(CombineMethod.Linear, null, 4)]
    [InlineData(CombineMethod.Svd, null, 4)]
    [InlineData(CombineMethod.Svd, 3, 3)]
    [InlineData(CombineMethod.Svd, 1, 1)]
    public void Linear_and_svd_are_the_best_approximation_of_the_weighted_sum(CombineMethod method, int? rank, int expectedRank)
    {
        var (adapter, error) = Combine(method, rank: rank);
        using var owned = adapter;
        var expected = JacobiSvd.Truncate(Sum, expectedRank).Approximation;
        Assert.Equal(new LoraScale(expectedRank, expectedRank, false), adapter.proj.Scale);
        Assert.Equal(expectedRank, error.Rank);
        Assert.InRange(Deltas.Distance(expected, Deltas.Of(adapter.proj)), 0, 1e-6);
        Assert.Equal(Deltas.Distance(Sum, expected), error.Relative, 1e-9);
    }

    // Two adapters of ranks 2 and 4 have six directions; a rank above that has nothing to hold.
    [Fact]
    public void A_rank_is_no_larger_than_the_sum_has()
    {
        var (adapter, error) = Combine(CombineMethod.Svd, rank: 100);
        using var owned = adapter;
        Assert.Equal(6, adapter.proj.Scale.Rank);
        Assert.InRange(error.Relative, 0, 1e-14);
    }

    [Theory]
    [InlineData(CombineMethod.Ties, MajoritySign.Total, null)]
    [InlineData(CombineMethod.Ties, MajoritySign.Frequency, null)]
    [InlineData(CombineMethod.TiesSvd, MajoritySign.Total, 7)]
    [InlineData(CombineMethod.MagnitudePrune, MajoritySign.Total, null)]
    [InlineData(CombineMethod.MagnitudePruneSvd, MajoritySign.Total, 7)]
    public void Ties_and_magnitude_pruning_work_on_the_updates(CombineMethod method, MajoritySign sign, int? rank)
    {
        using var third = _model.CreateAdapter(new LoraConfig { Rank = 1 }).Trained(seed: 3);
        var terms = new[] { (0.7, Deltas.Largest(First, 0.4)), (-1.3, Deltas.Largest(Second, 0.4)), (0.4, Deltas.Largest(Deltas.Of(third.proj), 0.4)) };
        var dense = method is CombineMethod.Ties or CombineMethod.TiesSvd ? Deltas.ElectedMean(sign, terms) : Deltas.Sum(terms);
        var wanted = Deltas.Sum((0.7, First), (-1.3, Second), (0.4, Deltas.Of(third.proj)));

        var derived = _model.Combine(
            new CombineOptions { Method = method, Density = 0.4, MajoritySign = sign, Rank = rank is { } number ? number : null }, (_first, 0.7), (_second, -1.3), (third, 0.4));

        using var adapter = derived.Adapter;
        var expected = JacobiSvd.Truncate(dense, rank ?? 4).Approximation;
        Assert.InRange(Deltas.Distance(expected, Deltas.Of(adapter.proj)), 0, 1e-6);
        Assert.Equal(Deltas.Distance(wanted, expected), derived.RelativeError, 1e-6);
    }

    // Of full rank, so that every value can be seen: kept ones are divided by the density.
    [Fact]
    public void Dare_keeps_random_values_and_divides_them_by_the_density()
    {
        using var model = new OneTarget(40, 30);
        using var trained = model.CreateAdapter().Trained();
        using var generator = new Generator(5, CPU);
        var options = new CombineOptions { Method = CombineMethod.DareLinear, Density = 0.6, Generator = generator, Rank = 30 };
        using var adapter = model.Combine(options, (trained, -2)).Adapter;
        var (whole, found, kept) = (Deltas.Of(trained.proj), Deltas.Of(adapter.proj), 0);
        for (var i = 0; i < 30; i++)
        {
            for (var j = 0; j < 40; j++)
            {
                var expected = -2 * whole[i, j] / 0.6;
                var isKept = Math.Abs(found[i, j]) > Math.Abs(expected) / 2;
                Assert.Equal(isKept ? expected : 0, found[i, j], 1e-5);
                kept += isKept ? 1 : 0;
            }
        }

        // 1200 draws at 0.6: 720 and a standard deviation of 17.
        Assert.InRange(kept, 640, 800);
    }

    // Of a value w, kept with probability p and then divided by p, the expectation is w and the variance w^2 (1 - p) / p (arXiv 2311.03099); of two
    // adapters, whose choices know nothing of each other, it is the sum of theirs. That is not what a draw looks like but what the method is for.
    [Fact]
    public void Dare_is_the_weighted_sum_in_expectation()
    {
        const int draws = 400;
        const double density = 0.3;
        using var generator = new Generator(7, CPU);
        var options = new CombineOptions { Method = CombineMethod.DareLinear, Density = density, Generator = generator, Rank = Out };
        var (sum, squares) = (new double[Out, In], new double[Out, In]);
        for (var draw = 0; draw < draws; draw++)
        {
            using var adapter = _model.Combine(options, (_first, 0.7), (_second, -1.3)).Adapter;
            var found = Deltas.Of(adapter.proj);
            (sum, squares) = (Matrices.Zip(sum, found, (s, f) => s + f), Matrices.Zip(squares, found, (s, f) => s + (f * f)));
        }

        var (chi, spread, expected) = (0.0, 0.0, Sum);
        for (var i = 0; i < Out; i++)
        {
            for (var j = 0; j < In; j++)
            {
                var variance = (Math.Pow(0.7 * First[i, j], 2) + Math.Pow(1.3 * Second[i, j], 2)) * (1 - density) / density;
                var mean = sum[i, j] / draws;
                Assert.Equal(expected[i, j], mean, 4.5 * Math.Sqrt(variance / draws));
                chi += Math.Pow(mean - expected[i, j], 2) / (variance / draws);
                spread += ((squares[i, j] / draws) - (mean * mean)) / variance;
            }
        }

        // 63 squares of standard normals: 63 and a standard deviation of 11; and 63 variances of 400 draws each.
        Assert.InRange(chi, 25, 110);
        Assert.InRange(spread / (Out * In), 0.95, 1.05);
    }

    [Fact]
    public void Dare_with_ties_elects_among_what_was_kept()
    {
        using var generator = new Generator(6, CPU);
        var options = new CombineOptions { Method = CombineMethod.DareTies, Density = 0.5, Generator = generator, Rank = Out };
        using var adapter = _model.Combine(options, (_first, 0.7), (_second, -1.3)).Adapter;
        var found = Deltas.Of(adapter.proj);
        var seen = new int[4];
        for (var i = 0; i < Out; i++)
        {
            for (var j = 0; j < In; j++)
            {
                var (a, b) = (First[i, j] / 0.5, Second[i, j] / 0.5);
                var both = a * b > 0 ? ((0.7 * a) - (1.3 * b)) / 2 : Math.Abs(a) > Math.Abs(b) ? 0.7 * a : -1.3 * b;
                var which = Array.FindIndex([both, 0.7 * a, -1.3 * b, 0], value => Math.Abs(value - found[i, j]) < 1e-5);
                Assert.True(which >= 0, $"[{i}, {j}]: {found[i, j]}");
                seen[which]++;
            }
        }

        Assert.All(seen, count => Assert.InRange(count, 3, 45));
    }

    [Fact]
    public void The_same_seed_gives_the_same_choice_and_another_seed_another()
    {
        Assert.Equal(Drawn(1), Drawn(1));
        Assert.NotEqual(Drawn(1), Drawn(2));

        double[,] Drawn(ulong seed)
        {
            using var generator = new Generator(seed, CPU);
            using var adapter = _model.Combine(new CombineOptions { Method = CombineMethod.DareTiesSvd, Density = 0.5, Generator = generator }, (_first, 1), (_second, 1)).Adapter;
            return Deltas.Of(adapter.proj);
        }
    }

    // What the same seed keeps, at full rank, is looked at above.
    [Theory]
    [InlineData(CombineMethod.DareLinear, CombineMethod.DareLinearSvd)]
    [InlineData(CombineMethod.DareTies, CombineMethod.DareTiesSvd)]
    public void The_svd_forms_of_dare_are_the_best_approximation_of_what_was_kept(CombineMethod dense, CombineMethod svd)
    {
        var (whole, cut) = (Drawn(dense, rank: Out), Drawn(svd, rank: 2));
        Assert.InRange(Deltas.Distance(JacobiSvd.Truncate(whole, 2).Approximation, cut), 0, 1e-6);

        double[,] Drawn(CombineMethod method, int rank)
        {
            using var generator = new Generator(6, CPU);
            using var adapter = _model.Combine(new CombineOptions { Method = method, Density = 0.5, Generator = generator, Rank = rank }, (_first, 0.7), (_second, -1.3)).Adapter;
            return Deltas.Of(adapter.proj);
        }
    }

    [Fact]
    public void A_float64_adapter_keeps_its_digits()
    {
        _first.to(ScalarType.Float64);
        _second.to(ScalarType.Float64);
        var (adapter, _) = Combine(CombineMethod.Cat);
        using var owned = adapter;
        Assert.Equal(ScalarType.Float64, adapter.proj.A.dtype);
        Assert.InRange(Deltas.Distance(Sum, Deltas.Of(adapter.proj)), 0, 1e-15);
    }

    [Fact]
    public void The_new_adapter_trains_on_with_the_first_ones_dropout()
    {
        using var first = _model.CreateAdapter(new LoraConfig { Dropout = 0.25, BaseModelNameOrPath = "tiny", TaskType = "CAUSAL_LM" }).Trained();
        using var adapter = _model.Combine(new CombineOptions(), (first, 1), (_second, 1)).Adapter;
        Assert.Equal(0.25, adapter.proj.Dropout);
        Assert.Equal(("tiny", "CAUSAL_LM"), (adapter.Config.BaseModelNameOrPath, adapter.Config.TaskType));
        Assert.All(adapter.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void Nothing_else_changes_or_stays_in_memory()
    {
        var (before, live) = (Base.Bytes(_model), DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        random.manual_seed(3);
        var expected = Values.Flat(rand(4));
        random.manual_seed(3);
        Combine(CombineMethod.Svd).Adapter.Dispose();
        Assert.Equal(expected, Values.Flat(rand(4)));
        Assert.Equal(before, Base.Bytes(_model));
        Assert.Equal(live + 2, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private (OneTarget.Adapter Adapter, DerivedError Error) Combine(CombineMethod method, int? rank = null)
    {
        var derived = _model.Combine(new CombineOptions { Method = method, Rank = rank is { } number ? number : null }, (_first, 0.7), (_second, -1.3));
        return (derived.Adapter, Assert.Single(derived.Errors));
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _model.Dispose();
    }
}
