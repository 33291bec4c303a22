using LoraGen.Tests.Arithmetic;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Merging;

/// <summary>Merge writes W + s B A into the weights; Unmerge puts the original bits back.</summary>
public sealed class MergeTests
{
    // In the wider of the base's and the adapter's dtype, and in fp32 at least.
    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float32, false)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, true)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, true)]
    [InlineData(ScalarType.Float64, ScalarType.Float32, true)]
    [InlineData(ScalarType.Float64, ScalarType.BFloat16, true)]
    [InlineData(ScalarType.Float32, ScalarType.Float64, true)]
    public void The_weight_becomes_W_plus_s_B_A(ScalarType baseDtype, ScalarType adapterDtype, bool rslora)
    {
        using var model = new OneTarget(40, 30, dtype: baseDtype);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = rslora }).Trained();
        adapter.to(adapterDtype);
        model.ActiveAdapter = adapter;
        var reference = ForwardTests.ReferenceOf(model, rslora ? 12 / Math.Sqrt(3) : 12 / 3.0);

        model.Merge(adapter);

        // The rank-r sum, the scale and the addition.
        Rounding.AssertWithin(
            reference.MergedWeight(), Values.Matrix(model.state_dict()["proj.weight"]), reference.Absolute().MergedWeight(), Rounding.Unit(baseDtype), roundings: 3 + 3);
    }

    // The float64 sum rounded once, to nearest and ties to even. The library's sum is fp32, so a sum next to a tie may fall to the other
    // side: one unit in the last place, in few places. Rounding B A to bf16 before the addition would miss in a third of them.
    [Fact]
    public void The_weight_is_rounded_once_to_bf16()
    {
        using var model = new OneTarget(64, 64, dtype: ScalarType.BFloat16);
        using var adapter = model.CreateAdapter().Trained();
        model.ActiveAdapter = adapter;
        var expected = ForwardTests.ReferenceOf(model, 4).MergedWeight();

        model.Merge(adapter);

        var found = Values.Matrix(model.state_dict()["proj.weight"]);
        var missed = 0;
        for (var o = 0; o < 64; o++)
        {
            for (var i = 0; i < 64; i++)
            {
                var nearest = Rounding.ToBFloat16(expected[o, i]);
                missed += found[o, i] == nearest ? 0 : 1;
                Assert.True(
                    Math.Abs(found[o, i] - nearest) <= Rounding.UnitInLastPlace(nearest),
                    FormattableString.Invariant($"[{o}, {i}]: expected {nearest} next to {expected[o, i]:R}, found {found[o, i]}"));
            }
        }

        Assert.InRange(missed, 0, 64 * 64 / 500);
    }

    // A float64 base keeps its digits: the update is fp32, the weight is not.
    [Fact]
    public void A_float64_weight_is_not_rounded_to_fp32_on_the_way()
    {
        using var model = new OneTarget(8, 8, dtype: ScalarType.Float64);
        using var adapter = model.CreateAdapter();
        var before = Base.Bytes(model);
        model.Merge(adapter);
        Assert.Equal(before, Base.Bytes(model));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Unmerge_restores_every_bit(ScalarType dtype)
    {
        using var model = new Tower();
        model.to(dtype);
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);

        model.Merge(adapter);
        var merged = Base.Bytes(model);
        model.Unmerge();

        Assert.Equal(
            before.Keys.Where(key => key.EndsWith(".weight", StringComparison.Ordinal) && key != "mix.weight").Order(),
            before.Keys.Where(key => !before[key].SequenceEqual(merged[key])).Order());
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_merged_adapter_is_no_longer_active_and_is_not_added_twice()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        model.ActiveAdapter = adapter;
        model.Merge(adapter);
        Assert.Null(model.ActiveAdapter);
        Assert.Same(adapter, model.MergedAdapter);
        model.Unmerge();
        Assert.Null(model.ActiveAdapter);
        Assert.Null(model.MergedAdapter);
    }

    [Fact]
    public void Only_targeted_weights_change()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModules = ["h.1.up"] }).Trained();
        var before = Base.Bytes(model);
        model.Merge(adapter);
        var merged = Base.Bytes(model);
        Assert.Equal(
            ["floors.0.h.1.up.weight", "floors.1.h.1.up.weight"],
            before.Keys.Where(key => !before[key].SequenceEqual(merged[key])).Order());
    }

    [Fact]
    public void Merge_and_Unmerge_can_follow_each_other_any_number_of_times()
    {
        using var model = new Tower();
        using var first = model.CreateAdapter().Trained(seed: 1);
        using var second = model.CreateAdapter().Trained(seed: 2);
        var before = Base.Bytes(model);
        for (var i = 0; i < 5; i++)
        {
            model.Merge(i % 2 == 0 ? first : second);
            Assert.NotEqual(before["lm_head.weight"], Base.Bytes(model)["lm_head.weight"]);
            model.Unmerge();
        }

        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_merged_adapter_may_be_disposed()
    {
        using var model = new Tower();
        var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        model.Merge(adapter);
        adapter.Dispose();
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    // What is gone needs no restoring, and the clean-up of a program may come in any order.
    [Fact]
    public void Unmerge_passes_over_a_part_that_was_disposed_meanwhile()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model.FloorAt(1)).Append(new("lm_head", Base.Bytes(model.get_parameter("lm_head.weight")!)));
        model.Merge(adapter);
        model.FloorAt(0).Dispose();
        model.Unmerge();
        Assert.Null(model.MergedAdapter);
        Assert.Equal(before, Base.Bytes(model.FloorAt(1)).Append(new("lm_head", Base.Bytes(model.get_parameter("lm_head.weight")!))));
    }

    [Fact]
    public void Unmerge_of_a_disposed_model_frees_the_originals()
    {
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        var model = new Tower();
        var adapter = model.CreateAdapter().Trained();
        model.Merge(adapter);
        adapter.Dispose();
        model.Dispose();
        model.Unmerge();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_part_of_a_model_can_be_merged_alone()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        model.FloorAt(1).Merge(adapter.floors[1]);
        var merged = Base.Bytes(model);
        Assert.All(before.Keys, key => Assert.Equal(
            key.StartsWith("floors.1", StringComparison.Ordinal) && key.EndsWith("weight", StringComparison.Ordinal), !before[key].SequenceEqual(merged[key])));
        model.FloorAt(1).Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    // model.to() makes new parameters; what is put into them is what they would hold had the base been moved as it was.
    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Float64)]
    public void After_a_move_Unmerge_restores_the_base_in_its_new_dtype(ScalarType dtype)
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        using var unmerged = new Tower();
        unmerged.load_state_dict(model.state_dict());
        unmerged.to(dtype);

        model.Merge(adapter);
        model.to(dtype);
        Assert.NotEqual(Base.Bytes(unmerged)["lm_head.weight"], Base.Bytes(model)["lm_head.weight"]);
        model.Unmerge();

        Assert.Equal(Base.Bytes(unmerged), Base.Bytes(model));
        Assert.All(model.parameters(), parameter => Assert.Equal(dtype, parameter.dtype));
    }

    // The weight comes from its original, which has all digits; a bias has gone through bf16.
    [Fact]
    public void After_a_move_and_back_the_merged_weights_have_their_bits_again()
    {
        using var model = new OneTarget(4, 4);
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        model.Merge(adapter);
        model.to(ScalarType.BFloat16);
        model.to(ScalarType.Float32);
        model.Unmerge();
        var after = Base.Bytes(model);
        Assert.Equal(before["proj.weight"], after["proj.weight"]);
        Assert.NotEqual(before["proj.bias"], after["proj.bias"]);
    }

    [Fact]
    public void A_moved_model_still_knows_that_it_is_merged()
    {
        using var model = new OneTarget(4, 4);
        using var adapter = model.CreateAdapter().Trained();
        model.Merge(adapter);
        model.to(ScalarType.BFloat16);
        Assert.Throws<LoraException>(() => model.ActiveAdapter = adapter);
        Assert.Throws<LoraException>(() => model.Merge(adapter));
        Assert.Throws<LoraException>(() => model.CreateAdapter());
        model.Unmerge();
        model.ActiveAdapter = adapter;
    }
}
