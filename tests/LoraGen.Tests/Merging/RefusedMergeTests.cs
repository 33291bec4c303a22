using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Merging;

/// <summary>A merge that cannot be right is refused, and leaves every weight as it was.</summary>
public sealed class RefusedMergeTests
{
    // Autograd refuses to go back through a weight that was written since, were it with the same bits.
    [Fact]
    public void No_weight_is_written_so_that_a_recorded_call_can_still_be_gone_back_through()
    {
        using var scope = NewDisposeScope();
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        using var broken = model.CreateAdapter().Trained();
        using (no_grad())
        {
            broken.floors[1]._rooms[1].down.B[0, 0] = float.NaN;
        }

        model.ActiveAdapter = adapter;
        var x = Base.Input(2, Tower.Width).requires_grad_();
        var loss = model.call(x).sum();
        model.ActiveAdapter = null;

        Refused(() => model.Merge(broken), "floors.1.h.1.down", "finite");

        loss.backward();
        Assert.NotNull(x.grad);
    }

    [Fact]
    public void Neither_is_one_where_two_projections_share_a_weight()
    {
        using var scope = NewDisposeScope();
        using var model = new Room(4, 4);
        using (no_grad())
        {
            model.get_parameter("down.weight")!.set_(model.get_parameter("up.weight")!);
        }

        using var adapter = model.CreateAdapter().Trained();
        model.ActiveAdapter = adapter;
        var x = Base.Input(2, 4).requires_grad_();
        var loss = model.call(x).sum();

        Refused(() => model.Merge(adapter), "down", "shares its memory");

        loss.backward();
        Assert.NotNull(x.grad);
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
