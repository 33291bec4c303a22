using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Swapping;

/// <summary>An adapter that a model cannot use is refused when it is set, by a message that names the place.</summary>
public sealed class RefusedAdapterTests
{
    [Fact]
    public void A_disposed_adapter()
    {
        using var model = new Tower();
        var adapter = model.CreateAdapter();
        adapter.Dispose();
        Refused(() => model.ActiveAdapter = adapter, "lm_head", "disposed");
    }

    [Fact]
    public void An_adapter_that_is_disposed_while_it_is_active()
    {
        using var model = new OneTarget(4, 4);
        var adapter = model.CreateAdapter();
        model.ActiveAdapter = adapter;
        adapter.Dispose();
        using var x = Base.Input(2, 4);
        Refused(() => model.call(x), "proj", "disposed");

        model.ActiveAdapter = null;
        model.call(x).Dispose();
    }

    // The device without memory stands for a second device, which no test machine need have.
    [Fact]
    public void An_adapter_on_another_device()
    {
        using var model = new OneTarget(4, 4);
        using var adapter = model.CreateAdapter();
        using var x = Base.Input(2, 4);
        model.ActiveAdapter = adapter;
        adapter.to(META);
        Refused(() => model.call(x), "proj", "device cpu", "meta", "adapter.to");
        Refused(() => model.Merge(adapter), "proj", "device cpu", "meta", "adapter.to");
        model.ActiveAdapter = null;
        Refused(() => model.ActiveAdapter = adapter, "proj", "device cpu", "meta", "adapter.to");
    }

    // What was found to fit once is not looked at in full again, as long as nothing has changed.
    [Theory]
    [InlineData("disposed", "disposed")]
    [InlineData("moved", "device cpu")]
    [InlineData("the base moved", "device meta")]
    [InlineData("a weight replaced", "in_features: expected 7")]
    [InlineData("another merged", "Unmerge")]
    public void An_adapter_that_fitted_before(string since, string found)
    {
        using var model = new OneTarget(4, 4);
        using var adapter = model.CreateAdapter();
        using var other = model.CreateAdapter();
        (model.ActiveAdapter, model.ActiveAdapter) = (adapter, other);
        (model.ActiveAdapter, model.ActiveAdapter) = (adapter, null);
        switch (since)
        {
            case "disposed":
                adapter.Dispose();
                break;
            case "moved":
                adapter.to(META);
                break;
            case "the base moved":
                model.to(META);
                break;
            case "a weight replaced":
                ((TorchSharp.Modules.Linear)model.children().Single()).weight = new TorchSharp.Modules.Parameter(zeros(4, 7));
                break;
            default:
                model.Merge(other);
                break;
        }

        Refused(() => model.ActiveAdapter = adapter, "proj", found);
        Assert.Null(model.ActiveAdapter);
    }

    [Fact]
    public void An_adapter_of_which_a_part_is_disposed()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        adapter.floors[1].Dispose();
        Refused(() => model.ActiveAdapter = adapter, "floors.1.entrance.up", "disposed");
        Refused(() => model.Merge(adapter), "floors.1.entrance.up", "disposed");
        Assert.Null(model.ActiveAdapter);
    }

    [Fact]
    public void An_adapter_of_which_one_B_is_disposed()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        adapter._head.B.Dispose();
        Refused(() => model.ActiveAdapter = adapter, "lm_head", "disposed");
        Refused(() => model.Merge(adapter), "lm_head", "disposed");
    }

    [Fact]
    public void A_disposed_adapter_that_is_asked_for_its_product()
    {
        using var model = new OneTarget(4, 4);
        var adapter = model.CreateAdapter();
        adapter.Dispose();
        Refused(() => adapter.proj.Delta(), "proj", "disposed");
    }

    [Fact]
    public void A_disposed_adapter_to_be_merged()
    {
        using var model = new OneTarget(4, 4);
        var adapter = model.CreateAdapter();
        adapter.Dispose();
        Refused(() => model.Merge(adapter), "proj", "disposed");
    }

    [Fact]
    public void A_disposed_adapter_to_be_saved()
    {
        using var model = new OneTarget(4, 4);
        var adapter = model.CreateAdapter();
        adapter.Dispose();
        var folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        Refused(() => adapter.Save(folder), "proj", "disposed");
        Assert.False(Directory.Exists(folder));
    }

    [Theory]
    [InlineData(5, 4, "proj: in_features: expected 4", "found 5")]
    [InlineData(4, 6, "proj: out_features: expected 4", "found 6")]
    public void An_adapter_for_another_width(long inFeatures, long outFeatures, string place, string found)
    {
        using var model = new OneTarget(4, 4);
        using var other = new OneTarget(inFeatures, outFeatures);
        using var adapter = other.CreateAdapter();
        Refused(() => model.ActiveAdapter = adapter, place, found);
        Refused(() => model.Merge(adapter), place, found);
    }

    [Fact]
    public void An_adapter_for_another_number_of_layers()
    {
        using var model = new Tower(floorCount: 2);
        using var other = new Tower(floorCount: 3);
        using var adapter = other.CreateAdapter();
        Refused(() => model.ActiveAdapter = adapter, "floors: expected 2", "found 3");
    }

    [Fact]
    public void An_adapter_while_another_is_merged()
    {
        using var model = new Tower();
        using var merged = model.CreateAdapter().Trained();
        using var other = model.CreateAdapter();
        model.Merge(merged);
        Refused(() => model.ActiveAdapter = other, "lm_head", "Unmerge");
        model.Unmerge();
        model.ActiveAdapter = other;
    }

    [Fact]
    public void An_adapter_that_is_merged_itself_since_it_would_be_added_twice()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        model.Merge(adapter);
        Refused(() => model.ActiveAdapter = adapter, "lm_head", "Unmerge");
    }

    // The two touch no common weight, and would add up; but "the adapter that is active" would no longer say what the model computes.
    [Fact]
    public void An_adapter_of_other_projections_while_one_is_merged()
    {
        using var model = new Tower();
        using var merged = model.CreateAdapter(new LoraConfig { TargetModules = ["up"] }).Trained();
        using var other = model.CreateAdapter(new LoraConfig { TargetModules = ["down"] });
        model.Merge(merged);
        Refused(() => model.ActiveAdapter = other, "up", "Unmerge");
    }

    [Fact]
    public void A_new_adapter_while_one_is_merged_since_its_fingerprint_would_be_of_the_merged_weights()
    {
        using var model = new Tower();
        using var merged = model.CreateAdapter().Trained();
        model.Merge(merged);
        Refused(() => model.CreateAdapter(), "lm_head", "Unmerge");
    }

    private static void Refused(Action action, params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(action);
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }
}
