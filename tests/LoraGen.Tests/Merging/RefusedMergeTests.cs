using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Merging;

/// <summary>A merge that cannot be right is refused, and leaves every weight as it was.</summary>
public sealed class RefusedMergeTests
{
    // The last projection in the order of merging, so that all others have been written by then.
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void An_adapter_that_is_not_finite(float value)
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        using (no_grad())
        {
            adapter.floors[1]._rooms[1].down.B[0, 0] = value;
        }

        Refused(() => model.Merge(adapter), "floors.1.h.1.down", "finite");

        Assert.Equal(before, Base.Bytes(model));
        Assert.Null(model.MergedAdapter);
        using var good = model.CreateAdapter().Trained();
        model.Merge(good);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_sum_that_the_bases_dtype_cannot_hold()
    {
        using var model = new OneTarget(4, 4, dtype: ScalarType.Float16);
        using var adapter = model.CreateAdapter().Trained(size: 300);
        var before = Base.Bytes(model);
        Refused(() => model.Merge(adapter), "proj", "finite");
        Assert.Equal(before, Base.Bytes(model));
    }

    // Not switched off without a word, and not added to weights that carry another.
    [Fact]
    public void A_part_with_an_adapter_of_its_own_is_refused_when_it_is_called()
    {
        using var model = new Tower();
        using var merged = model.CreateAdapter().Trained();
        using var own = model.FloorAt(0).CreateAdapter().Trained();
        using var x = Base.Input(2, Tower.Width);
        model.FloorAt(0).ActiveAdapter = own;
        model.Merge(merged);
        Assert.Same(own, model.FloorAt(0).ActiveAdapter);
        Refused(() => model.call(x).Dispose(), "entrance.up", "Unmerge");
        model.FloorAt(0).ActiveAdapter = null;
        model.call(x).Dispose();
    }

    [Fact]
    public void A_second_merge_of_the_same_adapter()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        model.Merge(adapter);
        Refused(() => model.Merge(adapter), "lm_head", "Unmerge");
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    // Were it allowed, Unmerge could only undo the second, and the first would stay in the base for good.
    [Fact]
    public void A_second_merge_of_an_adapter_for_other_projections()
    {
        using var model = new Tower();
        using var first = model.CreateAdapter(new LoraConfig { TargetModules = ["up"] }).Trained();
        using var second = model.CreateAdapter(new LoraConfig { TargetModules = ["down"] }).Trained();
        var before = Base.Bytes(model);
        model.Merge(first);
        Refused(() => model.Merge(second), "up", "Unmerge");
        Assert.Same(first, model.MergedAdapter);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_merge_while_another_adapter_is_active()
    {
        using var model = new Tower();
        using var active = model.CreateAdapter();
        using var other = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        model.ActiveAdapter = active;
        Refused(() => model.Merge(other), "Merge", "ActiveAdapter");
        Assert.Equal(before, Base.Bytes(model));
        Assert.Same(active, model.ActiveAdapter);
    }

    [Fact]
    public void A_merge_into_a_model_of_which_a_part_is_merged()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        model.FloorAt(1).Merge(adapter.floors[1]);
        Refused(() => model.Merge(adapter), "floors.1.entrance.up", "Unmerge");
        model.FloorAt(1).Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void Unmerge_without_Merge()
    {
        using var model = new Tower();
        Refused(model.Unmerge, "Unmerge", "Tower");
    }

    [Fact]
    public void Unmerge_twice()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        model.Merge(adapter);
        model.Unmerge();
        Refused(model.Unmerge, "Unmerge", "Tower");
    }

    private static void Refused(Action action, params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(action);
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }
}
