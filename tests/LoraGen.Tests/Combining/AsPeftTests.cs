using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Combining;

/// <summary>What PEFT computes where it is not the weighted sum, against its formulas in plain loops.</summary>
public sealed class AsPeftTests : IDisposable
{
    private readonly OneTarget _model = new(9, 7);
    private readonly OneTarget.Adapter _first;
    private readonly OneTarget.Adapter _second;

    public AsPeftTests()
    {
        _first = _model.CreateAdapter().Trained(seed: 1);
        _second = _model.CreateAdapter(new LoraConfig { Alpha = 2 }).Trained(seed: 2);
    }

    // A = sum of sign sqrt|w s| A, B = sum of sqrt|w s| B: also products of one adapter's B and the other's A.
    [Theory]
    [InlineData(CombineMethod.Linear)]
    [InlineData(CombineMethod.Ties)]
    [InlineData(CombineMethod.MagnitudePrune)]
    public void The_methods_without_SVD_combine_A_and_B(CombineMethod method)
    {
        var roots = new[] { Math.Sqrt(0.7 * 4), Math.Sqrt(1.3 * 2 / 3.0) };
        var a = Combined((roots[0], Values.Matrix(_first.proj.A)), (-roots[1], Values.Matrix(_second.proj.A)));
        var b = Combined((roots[0], Values.Matrix(_first.proj.B)), (roots[1], Values.Matrix(_second.proj.B)));
        var expected = Deltas.Product(b, a);

        var derived = _model.Combine(Options(method), (_first, 0.7), (_second, -1.3));

        using var adapter = derived.Adapter;
        Assert.Equal(new LoraScale(3, 3, false), adapter.proj.Scale);
        Assert.InRange(Deltas.Distance(expected, Deltas.Of(adapter.proj)), 0, 1e-6);
        var sum = Deltas.Sum((0.7, Deltas.Of(_first.proj)), (-1.3, Deltas.Of(_second.proj)));
        Assert.Equal(Deltas.Distance(sum, expected), derived.RelativeError, 1e-6);
        Assert.True(derived.RelativeError > 0.1);

        double[,] Combined(params (double, double[,])[] terms)
        {
            if (method == CombineMethod.Linear)
                return Deltas.Sum(terms);
            var pruned = terms.Select(term => (term.Item1, Deltas.Largest(term.Item2, 0.5))).ToArray();
            return method == CombineMethod.Ties ? Deltas.ElectedMean(MajoritySign.Total, pruned) : Deltas.Sum(pruned);
        }
    }

    [Fact]
    public void Svd_multiplies_by_the_scale_twice()
    {
        var twice = Deltas.Sum((0.7 * 4, Deltas.Of(_first.proj)), (-1.3 * 2 / 3.0, Deltas.Of(_second.proj)));
        using var adapter = _model.Combine(Options(CombineMethod.Svd), (_first, 0.7), (_second, -1.3)).Adapter;
        Assert.InRange(Deltas.Distance(JacobiSvd.Truncate(twice, 3).Approximation, Deltas.Of(adapter.proj)), 0, 1e-6);
    }

    [Theory]
    [InlineData(CombineMethod.TiesSvd)]
    [InlineData(CombineMethod.MagnitudePruneSvd)]
    public void Pruned_svd_multiplies_by_the_scale_twice(CombineMethod method)
    {
        (double, double[,])[] terms = [(0.7 * 4, Deltas.Largest(Deltas.Of(_first.proj), 0.5)), (-1.3 * 2 / 3.0, Deltas.Largest(Deltas.Of(_second.proj), 0.5))];
        var twice = method == CombineMethod.TiesSvd ? Deltas.ElectedMean(MajoritySign.Total, terms) : Deltas.Sum(terms);
        using var adapter = _model.Combine(Options(method), (_first, 0.7), (_second, -1.3)).Adapter;
        Assert.InRange(Deltas.Distance(JacobiSvd.Truncate(twice, 3).Approximation, Deltas.Of(adapter.proj)), 0, 1e-6);
    }

    [Theory]
    [InlineData(CombineMethod.Svd)]
    [InlineData(CombineMethod.TiesSvd)]
    [InlineData(CombineMethod.Cat)]
    public void A_single_adapter_is_only_weighted(CombineMethod method)
    {
        using var adapter = _model.Combine(Options(method), (_first, -0.5)).Adapter;
        Assert.InRange(Deltas.Distance(Deltas.Sum((-0.5, Deltas.Of(_first.proj))), Deltas.Of(adapter.proj)), 0, 1e-6);
    }

    private static CombineOptions Options(CombineMethod method) => new() { Method = method, AsPeft = true, Density = method is CombineMethod.Linear or CombineMethod.Svd or CombineMethod.Cat ? null : 0.5 };

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _model.Dispose();
    }
}
