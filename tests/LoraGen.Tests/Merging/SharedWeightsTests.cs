using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Merging;

/// <summary>
/// Two models over one set of weights. A merge writes those weights, and so both models compute with the adapter from then on; none of
/// the two may add another one to it.
/// </summary>
public sealed class SharedWeightsTests : IDisposable
{
    private readonly Tower _first = new();
    private readonly Tower _second;
    private readonly Tower.Adapter _merged;
    private readonly Tower.Adapter _other;
    private readonly Tensor _x = Base.Input(3, Tower.Width);

    public SharedWeightsTests()
    {
        _second = new Tower().Sharing(_first);
        _merged = _first.CreateAdapter().Trained(seed: 1);
        _other = _second.CreateAdapter().Trained(seed: 2);
    }

    public void Dispose()
    {
        _merged.Dispose();
        _other.Dispose();
        _first.Dispose();
        _second.Dispose();
        _x.Dispose();
    }

    [Fact]
    public void An_adapter_of_one_is_at_home_in_the_other()
    {
        _first.ActiveAdapter = _merged;
        _second.ActiveAdapter = _merged;
        Assert.Equal(Output(_first), Output(_second));
    }

    [Fact]
    public void A_merge_in_one_is_a_merge_in_both_until_it_is_undone()
    {
        var (bits, output) = (Base.Bytes(_second), Output(_second));
        _first.Merge(_merged);
        Assert.Equal(Output(_first), Output(_second));
        Assert.NotEqual(output, Output(_second));
        _first.Unmerge();
        Assert.Equal(bits, Base.Bytes(_second));
        Assert.Equal(output, Output(_second));
    }

    [Fact]
    public void An_adapter_is_refused_where_the_other_model_is_merged()
    {
        _first.Merge(_merged);
        var merged = Base.Bytes(_first);
        Refused(() => _second.ActiveAdapter = _other);
        Refused(() => _second.Merge(_other));
        Refused(() => _second.CreateAdapter());
        Assert.Null(_second.ActiveAdapter);
        Assert.Equal(merged, Base.Bytes(_first));

        _first.Unmerge();
        _second.ActiveAdapter = _other;
    }

    [Fact]
    public void A_saved_adapter_is_not_loaded_where_the_other_model_is_merged()
    {
        using var folder = new ScratchFolder();
        _other.Save(folder.Path);
        _first.Merge(_merged);
        Refused(() => Tower.Adapter.Load(folder.Path, _second));
        _first.Unmerge();
        Tower.Adapter.Load(folder.Path, _second).Dispose();
    }

    // It was right when it was set, and must not become wrong without a word.
    [Fact]
    public void A_call_with_an_active_adapter_is_refused_while_the_other_model_is_merged()
    {
        _second.ActiveAdapter = _other;
        var output = Output(_second);
        _first.Merge(_merged);
        Refused(() => Output(_second));
        _first.Unmerge();
        Assert.Equal(output, Output(_second));
    }

    [Fact]
    public void A_call_of_a_model_of_other_weights_is_not()
    {
        using var apart = new Tower();
        using var adapter = apart.CreateAdapter().Trained();
        apart.ActiveAdapter = adapter;
        var output = Output(apart);
        _first.Merge(_merged);
        Assert.Equal(output, Output(apart));
        _first.Unmerge();
    }

    // The memory that was merged into stays behind when the first model moves away from it.
    [Fact]
    public void After_the_merged_model_has_moved_Unmerge_restores_both()
    {
        var bits = Base.Bytes(_second);
        using var moved = new Tower();
        moved.load_state_dict(_first.state_dict());
        moved.to(ScalarType.BFloat16);

        _first.Merge(_merged);
        _first.to(ScalarType.BFloat16);
        Refused(() => _second.ActiveAdapter = _other);
        _first.Unmerge();

        Assert.Equal(bits, Base.Bytes(_second));
        Assert.Equal(Base.Bytes(moved), Base.Bytes(_first));
        _second.ActiveAdapter = _other;
    }

    [Fact]
    public void A_move_of_one_ends_the_sharing()
    {
        var bits = Base.Bytes(_second);
        _first.to(ScalarType.BFloat16);
        _first.Merge(_merged);
        Assert.Equal(bits, Base.Bytes(_second));
        _second.ActiveAdapter = _other;
    }

    [Fact]
    public void The_other_model_may_go_first()
    {
        var bits = Base.Bytes(_first);
        _first.Merge(_merged);
        _second.Dispose();
        _first.Unmerge();
        Assert.Equal(bits, Base.Bytes(_first));
    }

    // One weight under two projections would carry two updates, and each projection would add the other's; with one update the other
    // projection would add it too.
    [Fact]
    public void Two_projections_of_one_model_that_share_a_weight_are_not_merged()
    {
        using var model = new Room(4, 4);
        using (no_grad())
        {
            model.get_parameter("down.weight")!.set_(model.get_parameter("up.weight")!);
        }

        using var both = model.CreateAdapter().Trained();
        using var one = model.CreateAdapter(new LoraConfig { TargetModules = ["down"] }).Trained();
        var bits = Base.Bytes(model);

        Assert.All(new[] { both, one }, adapter =>
        {
            var refusal = Assert.Throws<LoraException>(() => model.Merge(adapter));
            Assert.Contains("[up.weight, down.weight]", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("TargetModules", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(bits, Base.Bytes(model));
        });
    }

    [Fact]
    public void Two_parts_of_one_tensor_are_two_weights()
    {
        using var model = new Room(4, 4);
        using var fused = Base.Input(8, 4);
        using (no_grad())
        {
            model.get_parameter("up.weight")!.set_(fused.narrow(0, 0, 4));
            model.get_parameter("down.weight")!.set_(fused.narrow(0, 4, 4));
        }

        using var adapter = model.CreateAdapter().Trained();
        var bits = Base.Bytes(model);
        model.Merge(adapter);
        model.Unmerge();
        Assert.Equal(bits, Base.Bytes(model));
    }

    private byte[] Output(Tower model)
    {
        using var inference = no_grad();
        using var y = model.call(_x);
        return Base.Bytes(y);
    }

    private static void Refused(Action action)
    {
        var refusal = Assert.Throws<LoraException>(action);
        Assert.Contains(": its weight", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Unmerge", refusal.Message, StringComparison.Ordinal);
    }
}
