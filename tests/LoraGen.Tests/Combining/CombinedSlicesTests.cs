using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Combining;

/// <summary>Slices of a fused projection are combined each for itself, against plain loops in float64; between them there is nothing.</summary>
public sealed class CombinedSlicesTests : IDisposable
{
    private const int In = 6;
    private const int Width = 5;
    private const int Trained = 2;

    private readonly OneFused _model = new(In, 3 * Width);
    private readonly OneFused.Adapter _first;
    private readonly OneFused.Adapter _second;

    public CombinedSlicesTests()
    {
        _first = _model.CreateAdapter(new LoraConfig { Rank = 1 }).Trained(seed: 1);
        _second = _model.CreateAdapter(new LoraConfig { Rank = 2, UseRslora = true }).Trained(seed: 2);
    }

    [Fact]
    public void Cat_is_the_weighted_sum_of_each_slice()
    {
        var derived = _model.Combine(new CombineOptions { Method = CombineMethod.Cat }, (_first, 0.7), (_second, -1.3));

        using var adapter = derived.Adapter;
        Assert.Equal(new LoraScale(3, 3, false), adapter.proj.Scale);
        AssertSlices(Sum, adapter, 1e-6);
        var error = Assert.Single(derived.Errors);
        Assert.Equal(("proj", 3), (error.Path, error.Rank));
        Assert.InRange(error.Relative, 0, 1e-14);
        Assert.Equal(Root(Sum), error.Norm, 1e-12);
    }

    [Theory]
    [InlineData(CombineMethod.Svd, null, 2)]
    [InlineData(CombineMethod.Linear, 1, 1)]
    [InlineData(CombineMethod.Svd, 40, 3)]
    public void Svd_is_the_best_approximation_of_each_slice(CombineMethod method, int? rank, int expectedRank)
    {
        var derived = _model.Combine(new CombineOptions { Method = method, Rank = rank is { } number ? number : null }, (_first, 0.7), (_second, -1.3));

        using var adapter = derived.Adapter;
        var expected = Sum.Select(slice => JacobiSvd.Truncate(slice, expectedRank).Approximation).ToArray();
        Assert.Equal(expectedRank, adapter.proj.Scale.Rank);
        AssertSlices(expected, adapter, 1e-6);
        Assert.Equal(Root([.. Sum.Zip(expected, (sum, approximation) => Deltas.Sum((1, sum), (-1, approximation)))]) / Root(Sum), derived.RelativeError, 1e-9);
    }

    [Theory]
    [InlineData(CombineMethod.Ties)]
    [InlineData(CombineMethod.TiesSvd)]
    [InlineData(CombineMethod.MagnitudePrune)]
    [InlineData(CombineMethod.MagnitudePruneSvd)]
    public void Ties_and_magnitude_pruning_keep_a_share_of_each_slice(CombineMethod method)
    {
        var expected = Enumerable.Range(0, Trained).Select(slice =>
        {
            var terms = new[] { (0.7, Deltas.Largest(Slice(_first, slice), 0.4)), (-1.3, Deltas.Largest(Slice(_second, slice), 0.4)) };
            return method is CombineMethod.Ties or CombineMethod.TiesSvd ? Deltas.ElectedMean(MajoritySign.Total, terms) : Deltas.Sum(terms);
        }).ToArray();
        using var adapter = _model.Combine(new CombineOptions { Method = method, Density = 0.4, Rank = Width }, (_first, 0.7), (_second, -1.3)).Adapter;
        AssertSlices(expected, adapter, 1e-6);
    }

    [Theory]
    [InlineData(CombineMethod.DareLinear)]
    [InlineData(CombineMethod.DareTies)]
    public void Dare_of_one_adapter_keeps_values_divided_by_the_density(CombineMethod method)
    {
        using var generator = new Generator(5, CPU);
        using var adapter = _model.Combine(new CombineOptions { Method = method, Density = 0.5, Rank = Width, Generator = generator }, (_second, 1)).Adapter;
        var kept = 0;
        for (var slice = 0; slice < Trained; slice++)
        {
            foreach (var (whole, found) in Slice(_second, slice).Cast<double>().Zip(Slice(adapter, slice).Cast<double>()))
            {
                Assert.True(Math.Abs(found) < 1e-6 || Math.Abs(found - (whole / 0.5)) < 1e-5, $"{found} is neither 0 nor {whole / 0.5}");
                kept += Math.Abs(found) < 1e-6 ? 0 : 1;
            }
        }

        Assert.InRange(kept, 15, 45); // Of 60 draws at 0.5.
    }

    // One rank for both slices, though all the energy is in one of them.
    [Fact]
    public void Energy_gives_the_slices_the_largest_of_their_ranks()
    {
        using (no_grad())
        {
            _second.proj.B.narrow(0, Width, Width).mul_(1e-3);
        }

        var derived = _model.Combine(new CombineOptions { Rank = RankChoice.KeepingEnergy(0.9999) }, (_second, 1));
        using var adapter = derived.Adapter;
        Assert.Equal(2, adapter.proj.Scale.Rank);
        AssertSlices([Slice(_second, 0), Slice(_second, 1)], adapter, 1e-6);
        Assert.InRange(derived.RelativeError, 0, 1e-12);
    }

    [Fact]
    public void It_computes_merges_and_comes_back_from_PEFTs_files()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        var x = Base.Input(4, In);
        using var adapter = _model.Combine(new CombineOptions { Method = CombineMethod.Cat }, (_first, 1), (_second, 0.5)).Adapter;
        var bare = Values.Matrix(_model.call(x));
        _model.ActiveAdapter = _first;
        var one = Values.Matrix(_model.call(x));
        _model.ActiveAdapter = _second;
        var two = Values.Matrix(_model.call(x));
        var expected = Deltas.Sum((1, one), (0.5, two), (-0.5, bare));

        _model.ActiveAdapter = adapter;
        AssertClose(expected, Values.Matrix(_model.call(x)));
        adapter.Save(folder.Path);
        using var loaded = OneFused.Adapter.Load(folder.Path, _model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));

        _model.ActiveAdapter = null;
        var before = Base.Bytes(_model);
        _model.Merge((_first, 1), (_second, 0.5));
        AssertClose(expected, Values.Matrix(_model.call(x)));
        _model.MergedAdapter!.Dispose();
        _model.Unmerge();
        Assert.Equal(before, Base.Bytes(_model));
    }

    [Fact]
    public void A_smaller_one_is_made_by_Compress()
    {
        var derived = _model.Compress(_second, rank: 1);
        using var smaller = derived.Adapter;
        Assert.Equal(1, smaller.proj.Scale.Rank);
        AssertSlices([.. Enumerable.Range(0, Trained).Select(slice => JacobiSvd.Truncate(Slice(_second, slice), 1).Approximation)], smaller, 1e-6);
    }

    [Fact]
    public void As_PEFT_there_are_none()
        => Assert.Contains(
            "Combine: proj: expected updates of whole projections as PEFT has them, found those of slices",
            Assert.Throws<LoraException>(() => _model.Combine(new CombineOptions { AsPeft = true }, (_first, 1), (_second, 1))).Message,
            StringComparison.Ordinal);

    private double[][,] Sum => [.. Enumerable.Range(0, Trained).Select(slice => Deltas.Sum((0.7, Slice(_first, slice)), (-1.3, Slice(_second, slice))))];

    /// <summary>s B A of one slice: its rows of A and of B, by hand.</summary>
    private static double[,] Slice(OneFused.Adapter adapter, int slice)
    {
        var (a, b, rank) = (Values.Matrix(adapter.proj.A), Values.Matrix(adapter.proj.B), adapter.proj.Scale.Rank);
        var delta = new double[Width, In];
        for (var o = 0; o < Width; o++)
        {
            for (var i = 0; i < In; i++)
            {
                for (var k = 0; k < rank; k++)
                    delta[o, i] += adapter.proj.Scale.Factor * b[(slice * Width) + o, k] * a[(slice * rank) + k, i];
            }
        }

        return delta;
    }

    private static void AssertSlices(double[][,] expected, OneFused.Adapter adapter, double tolerance)
    {
        for (var slice = 0; slice < Trained; slice++)
            AssertClose(expected[slice], Slice(adapter, slice), tolerance);
    }

    private static void AssertClose(double[,] expected, double[,] found, double tolerance = 1e-5)
    {
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Cast<double>().Zip(found.Cast<double>()), pair => Assert.Equal(pair.First, pair.Second, tolerance * (1 + Math.Abs(pair.First))));
    }

    private static double Root(double[][,] slices) => Math.Sqrt(slices.Sum(slice => Math.Pow(Deltas.Norm(slice), 2)));

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _model.Dispose();
    }
}
