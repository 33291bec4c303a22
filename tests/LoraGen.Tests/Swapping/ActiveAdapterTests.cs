using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Swapping;

/// <summary>Which adapter a model uses is the value of one property.</summary>
public sealed class ActiveAdapterTests : IDisposable
{
    private readonly Tower _model = new();
    private readonly Tower.Adapter _first;
    private readonly Tower.Adapter _second;
    private readonly Tensor _x = Base.Input(3, Tower.Width);
    private readonly byte[] _base;

    public ActiveAdapterTests()
    {
        _base = Output();
        _first = _model.CreateAdapter().Trained(seed: 1);
        _second = _model.CreateAdapter(new LoraConfig { Rank = 1, TargetModules = ["up"] }).Trained(seed: 2);
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _model.Dispose();
        _x.Dispose();
    }

    [Fact]
    public void Each_adapter_gives_its_own_output_whatever_was_active_before()
    {
        _model.ActiveAdapter = _first;
        var first = Output();
        _model.ActiveAdapter = _second;
        var second = Output();
        _model.ActiveAdapter = _first;

        Assert.Equal(first, Output());
        Assert.NotEqual(first, second);
        Assert.NotEqual(_base, first);
        Assert.NotEqual(_base, second);
    }

    [Fact]
    public void Every_part_of_the_model_has_its_part_of_the_adapter()
    {
        _model.ActiveAdapter = _first;
        Assert.Same(_first, _model.ActiveAdapter);
        Assert.Same(_first.floors[0], _model.FloorAt(0).ActiveAdapter);
        Assert.Same(_first.floors[1], _model.FloorAt(1).ActiveAdapter);
    }

    [Fact]
    public void Setting_a_childs_changes_that_part_only()
    {
        _model.ActiveAdapter = _first;
        var whole = Output();
        _model.FloorAt(1).ActiveAdapter = null;
        Assert.NotEqual(whole, Output());
        Assert.Same(_first.floors[0], _model.FloorAt(0).ActiveAdapter);
        _model.FloorAt(1).ActiveAdapter = _first.floors[1];
        Assert.Equal(whole, Output());
    }

    [Fact]
    public void A_refused_adapter_leaves_the_active_one()
    {
        _model.ActiveAdapter = _first;
        var output = Output();
        using var larger = new Tower(floorCount: 3);
        using var misfit = larger.CreateAdapter();
        Assert.Throws<LoraException>(() => _model.ActiveAdapter = misfit);
        Assert.Same(_first, _model.ActiveAdapter);
        Assert.Equal(output, Output());
    }

    private byte[] Output()
    {
        using var y = _model.call(_x);
        return Base.Bytes(y);
    }
}
