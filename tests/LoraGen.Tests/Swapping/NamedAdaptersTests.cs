using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Swapping;

/// <summary>Many adapters of one base by name.</summary>
public sealed class NamedAdaptersTests : IDisposable
{
    private readonly Tower _model = new();
    private readonly NamedAdapters<Tower.Adapter> _adapters;
    private readonly Tensor _x = Base.Input(3, Tower.Width);
    private readonly byte[] _base;

    public NamedAdaptersTests()
    {
        _base = Output();
        _adapters = new NamedAdapters<Tower.Adapter>(_model);
        _adapters.Create("french").Trained(seed: 1);
        _adapters.Create("formal", new LoraConfig { Rank = 1, TargetModules = ["up"] }).Trained(seed: 2);
    }

    public void Dispose()
    {
        _adapters.Dispose();
        _model.Dispose();
        _x.Dispose();
    }

    [Fact]
    public void Each_name_gives_its_own_adapters_output_and_null_the_bases()
    {
        _model.ActiveAdapter = _adapters["french"];
        var french = Output();
        _model.ActiveAdapter = _adapters["formal"];
        var formal = Output();
        Assert.NotEqual(french, formal);

        foreach (var (name, output) in new[] { ("french", french), (null, _base), ("formal", formal), ("french", french) })
        {
            _adapters.Active = name;
            Assert.Equal(name, _adapters.Active);
            Assert.Same(name is null ? null : _adapters[name], _model.ActiveAdapter);
            Assert.Equal(output, Output());
        }
    }

    [Fact]
    public void Names_are_listed_in_the_order_in_which_they_came()
    {
        _adapters.Add("another", _model.CreateAdapter());
        Assert.Equal(["french", "formal", "another"], _adapters.Names);
        _adapters.Delete("french");
        _adapters.Create("french");
        Assert.Equal(["formal", "another", "french"], _adapters.Names);
    }

    [Fact]
    public void A_loaded_adapter_is_the_saved_one_whatever_the_names()
    {
        using var folder = new ScratchFolder();
        _adapters["french"].Save(folder.Path);
        _adapters.Load("café/ v2", folder.Path);
        _adapters.Active = "french";
        var output = Output();
        _adapters.Active = "café/ v2";
        Assert.Equal(output, Output());
    }

    // References alone: no tensor is made, none is copied, and no gradient is switched on or off.
    [Fact]
    public void A_swap_touches_no_tensor()
    {
        _adapters["formal"].Serving();
        _adapters.Active = "french";
        _adapters.Active = "formal";
        var before = (Base.Bytes(_model), _model.parameters().Select(parameter => parameter.requires_grad).ToList(), Trains("french"), Trains("formal"));
        var made = Made();
        for (var i = 0; i < 10; i++)
        {
            _adapters.Active = i % 2 == 0 ? "french" : "formal";
        }

        Assert.Equal(made, Made());
        Assert.Equal(before, (Base.Bytes(_model), _model.parameters().Select(parameter => parameter.requires_grad).ToList(), Trains("french"), Trains("formal")), Same);

        List<bool> Trains(string name) => [.. _adapters[name].parameters().Select(parameter => parameter.requires_grad)];

        static long Made() => DisposeScopeManager.Statistics.CreatedInScopeCount + DisposeScopeManager.Statistics.CreatedOutsideScopeCount;

        static bool Same((Dictionary<string, byte[]> Bytes, List<bool> Base, List<bool> First, List<bool> Second) left, (Dictionary<string, byte[]> Bytes, List<bool> Base, List<bool> First, List<bool> Second) right)
        {
            Assert.Equal(left.Bytes, right.Bytes);
            return left.Base.SequenceEqual(right.Base) && left.First.SequenceEqual(right.First) && left.Second.SequenceEqual(right.Second);
        }
    }

    [Fact]
    public void A_deleted_adapter_is_disposed_and_the_others_stay()
    {
        var (french, live) = (_adapters["french"], DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        var parameters = french.parameters().Count();
        _adapters.Active = "formal";
        var output = Output();
        _adapters.Delete("french");
        Assert.True(french.floors[0].entrance.up.A.IsInvalid);
        Assert.Equal(live - parameters, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal("formal", _adapters.Active);
        Assert.Equal(output, Output());
        Assert.Equal(["formal"], _adapters.Names);
    }

    [Fact]
    public void Where_the_active_one_is_deleted_the_base_computes()
    {
        _adapters.Active = "french";
        _adapters.Delete("french");
        Assert.Null(_adapters.Active);
        Assert.Null(_model.ActiveAdapter);
        Assert.Equal(_base, Output());
    }

    [Fact]
    public void A_merged_one_is_not_deleted_and_nothing_changes()
    {
        _model.Merge(_adapters["french"]);
        var (merged, adapter) = (Base.Bytes(_model), Base.Bytes(_adapters["french"]));
        Refused(() => _adapters.Delete("french"), "Delete: expected an adapter that is not merged, found 'french'", "Unmerge");
        Assert.Equal(merged, Base.Bytes(_model));
        Assert.Equal(adapter, Base.Bytes(_adapters["french"]));
        _model.Unmerge();
        _adapters.Delete("french");
        Assert.Equal(_base, Output());
    }

    [Fact]
    public void A_name_that_nothing_has_lists_those_that_there_are_and_changes_nothing()
    {
        _adapters.Active = "formal";
        Refused(() => _adapters["French"].Save("nowhere"), "'French'", "[french, formal]");
        Refused(() => _adapters.Active = "german", "'german'", "[french, formal]");
        Refused(() => _adapters.Delete(""), "''", "[french, formal]");
        Assert.Equal("formal", _adapters.Active);
    }

    [Fact]
    public void A_name_is_given_once()
    {
        using var third = _model.CreateAdapter();
        Refused(() => _adapters.Create("french"), "'french'", "a name that no adapter has");
        Refused(() => _adapters.Load("french", "no such folder"), "'french'", "a name that no adapter has");
        Refused(() => _adapters.Add("french", third), "'french'", "a name that no adapter has");
        Assert.Throws<ArgumentException>(() => _adapters.Create(" "));
        Assert.Equal(["french", "formal"], _adapters.Names);
    }

    [Fact]
    public void An_adapter_has_one_name()
        => Refused(() => _adapters.Add("again", _adapters["french"]), "Add: expected an adapter without a name, found 'french'");

    [Fact]
    public void The_adapter_of_a_mixed_batch_belongs_to_that()
    {
        using var mixed = new MixedBatch<Tower.Adapter>(_model);
        Refused(() => _adapters.Add("mixed", mixed.Adapter), "Add: expected an adapter with an A and a B of its own");
    }

    [Fact]
    public void What_cannot_be_made_or_loaded_gets_no_name()
    {
        Refused(() => _adapters.Create("new", new LoraConfig { TargetModules = ["qproj"] }), "qproj");
        Refused(() => _adapters.Load("new", "no such folder"), "no such folder");
        Assert.Equal(["french", "formal"], _adapters.Names);
    }

    [Fact]
    public void An_adapter_that_does_not_fit_is_refused_when_it_becomes_active()
    {
        using var larger = new Tower(floorCount: 3);
        _adapters.Add("large", larger.CreateAdapter());
        _adapters.Active = "french";
        Refused(() => _adapters.Active = "large", "floors: expected 2");
        Assert.Equal("french", _adapters.Active);
    }

    [Fact]
    public void Disposing_leaves_the_base_alone()
    {
        _adapters.Active = "french";
        _adapters.Dispose();
        Assert.Empty(_adapters.Names);
        Assert.Equal(_base, Output());
    }

    [Fact]
    public void What_was_merged_can_be_unmerged_after_all_are_disposed()
    {
        _model.Merge(_adapters["french"]);
        _adapters.Dispose();
        _model.Unmerge();
        Assert.Equal(_base, Output());
    }

    private static void Refused(Action action, params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(action);
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    private byte[] Output()
    {
        using var y = _model.call(_x);
        return Base.Bytes(y);
    }

    [Fact]
    public void After_it_was_disposed_it_owns_no_more()
    {
        using var model = new OneTarget(4, 3);
        var adapters = new NamedAdapters<OneTarget.Adapter>(model);
        adapters.Dispose();
        Assert.Throws<ObjectDisposedException>(() => adapters.Create("late"));
    }
}
