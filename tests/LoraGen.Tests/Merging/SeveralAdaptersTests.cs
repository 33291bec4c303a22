using LoraGen.Tests.Combining;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Merging;

/// <summary>Merge of several adapters writes W + the sum of w s B A; Unmerge puts the original bits back.</summary>
public sealed class SeveralAdaptersTests
{
    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_weight_becomes_W_plus_the_weighted_sum(ScalarType dtype)
    {
        using var model = new OneTarget(40, 30, dtype: dtype);
        using var first = model.CreateAdapter(new LoraConfig { Rank = 2 }).Trained(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { Rank = 5, UseRslora = true }).Trained(seed: 2);
        var before = Base.Bytes(model);
        var weight = Values.Matrix(model.state_dict()["proj.weight"]);
        var expected = Deltas.Sum((1, weight), (0.75, Deltas.Of(first.proj)), (-0.5, Deltas.Of(second.proj)));
        var sizes = Deltas.Sum((1, Matrices.Abs(weight)), (0.75, Sizes(first.proj)), (0.5, Sizes(second.proj)));

        model.Merge((first, 0.75), (second, -0.5));

        // The scaled factors are fp32 and their sums too; of a bf16 weight the one rounding to it is all that counts.
        var unit = dtype == ScalarType.Float64 ? Rounding.Float32 : Rounding.Unit(dtype);
        Rounding.AssertWithin(expected, Values.Matrix(model.state_dict()["proj.weight"]), sizes, unit, Rounding.Count(dtype, 7 + 3, stored: 1));
        Assert.Equal(7, model.MergedAdapter!.proj.Scale.Rank);
        using var merged = model.MergedAdapter;
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
        Assert.Null(model.MergedAdapter);
    }

    [Fact]
    public void What_is_merged_is_computed_with()
    {
        using var model = new Tower();
        using var first = model.CreateAdapter(new LoraConfig { TargetModules = ["up"] }).Trained(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { TargetModules = ["down", "lm_head"] }).Trained(seed: 2);
        using var both = model.CreateAdapter();
        using (no_grad())
        {
            foreach (var update in both.Updates)
            {
                // Of two adapters that share no projection, the sum has each update where it was.
                var source = first.Updates.Concat(second.Updates).Single(other => other.Path == update.Path);
                update.A.copy_(source.A);
                update.B.copy_(source.B);
            }
        }

        using var x = Base.Input(6, Tower.Width);
        model.ActiveAdapter = both;
        using var expected = model.call(x);
        model.ActiveAdapter = null;
        model.Merge((first, 1), (second, 1));
        using var found = model.call(x);
        Assert.All(Values.Flat(expected).Zip(Values.Flat(found)), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * (1 + Math.Abs(pair.First))));
    }

    [Fact]
    public void A_sum_that_is_not_finite_is_refused_and_the_base_untouched()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        using var large = model.CreateAdapter().Trained(size: 1e18);
        var before = Base.Bytes(model);
        var refusal = Assert.Throws<LoraException>(() => model.Merge((adapter, 1), (large, 1e10)));
        Assert.Contains("expected finite weights after merging", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
        Assert.Null(model.MergedAdapter);
        model.Merge((adapter, 1));
    }

    [Fact]
    public void An_active_adapter_is_not_merged_over()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        model.ActiveAdapter = adapter;
        Assert.Contains("another adapter is active", Assert.Throws<LoraException>(() => model.Merge((adapter, 1), (adapter, 1))).Message, StringComparison.Ordinal);
        Assert.Same(adapter, model.ActiveAdapter);
        Assert.Equal(before, Base.Bytes(model));
    }

    private static double[,] Sizes(LowRankUpdate update) => Deltas.Product(Matrices.Abs(Values.Matrix(update.B)), Matrices.Abs(Values.Matrix(update.A)), update.Scale.Factor);
}
