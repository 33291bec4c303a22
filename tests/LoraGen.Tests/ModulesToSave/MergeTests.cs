using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.ModulesToSave;

/// <summary>A merge writes what is saved whole over the base's weight and bias; unmerging brings the base's bits back.</summary>
public sealed class MergeTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void The_merged_weight_and_bias_are_those_saved_rounded_once_and_Unmerge_restores_every_bit(ScalarType dtype)
    {
        using var model = new Classified(dtype);
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        var before = Base.Bytes(model);

        model.Merge(adapter);

        Assert.All(SavedBase.Saved, key => Assert.Equal(
            Values.Flat(adapter.get_parameter(key)!).Select(value => Rounding.Nearest(dtype, value)), Values.Flat(model.get_parameter(key)!)));
        var merged = Base.Bytes(model);
        Assert.Equal([.. SavedBase.Saved, "dense.weight"], merged.Keys.Where(key => !merged[key].SequenceEqual(before[key])).Order(StringComparer.Ordinal).OrderBy(key => key == "dense.weight"));

        model.Unmerge();

        Assert.Equal(before, Base.Bytes(model));
        Assert.Equal(adapter.BaseFingerprint, BaseFingerprint.Of(model));
    }

    [Fact]
    public void The_merged_output_is_that_of_the_active_adapter()
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        model.ActiveAdapter = adapter;
        var active = Values.Flat(model.call(SavedBase.Ids()));

        model.Merge(adapter);

        Assert.All(active.Zip(Values.Flat(model.call(SavedBase.Ids()))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * (1 + Math.Abs(pair.First))));
        model.Unmerge();
    }

    [Theory]
    [InlineData("classifier.out_proj.bias", "classifier.out_proj")]
    [InlineData("wte.weight", "wte")]
    public void A_value_that_is_not_finite_is_refused_before_the_base_is_touched(string key, string path)
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        using (no_grad())
        {
            adapter.get_parameter(key)!.view(-1)[1] = double.NaN;
        }

        var before = Base.Bytes(model);
        Assert.StartsWith($"{path}: expected finite weights", Assert.Throws<LoraException>(() => model.Merge(adapter)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_saved_head_that_is_tied_to_an_embedding_stays_its_own_and_is_not_merged()
    {
        using var model = new Gpt(tied: true);
        using var adapter = model.CreateAdapter(new LoraConfig { ModulesToSave = ["lm_head"] }).Filled();
        var (before, ids) = (Base.Bytes(model), tensor(new long[] { 3, 1 }));
        var bare = Base.Bytes(model.call(ids));
        model.ActiveAdapter = adapter;

        Assert.NotEqual(bare, Base.Bytes(model.call(ids)));
        Assert.Equal(before, Base.Bytes(model));
        Assert.StartsWith("lm_head: expected a weight of its own", Assert.Throws<LoraException>(() => model.Merge(adapter)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_base_moved_while_merged_has_its_own_values_after_Unmerge()
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        var bias = Values.Flat(model.get_parameter("classifier.out_proj.bias")!);
        model.Merge(adapter);
        model.to(ScalarType.BFloat16);
        model.Unmerge();
        Assert.Equal(bias.Select(value => Rounding.Nearest(ScalarType.BFloat16, value)), Values.Flat(model.get_parameter("classifier.out_proj.bias")!));
    }

    // Through two models over one memory: neither may take what the other merged for the base.
    [Fact]
    public void A_base_that_carries_a_saved_head_through_another_model_takes_none()
    {
        using var model = new Classified();
        using var other = new Classified().Sharing(model);
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        using var second = other.CreateAdapter(SavedBase.Config);
        model.Merge(adapter);
        Assert.Throws<LoraException>(() => other.ActiveAdapter = second);
        Assert.Throws<LoraException>(() => other.Merge(second));
        model.Unmerge();
        other.ActiveAdapter = second;
    }
}
