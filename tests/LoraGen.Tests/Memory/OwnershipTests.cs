using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Memory;

/// <summary>What lives as long as what.</summary>
public sealed class OwnershipTests
{
    [Fact]
    public void An_adapter_made_in_a_dispose_scope_survives_it()
    {
        using var model = new Tower();
        Tower.Adapter adapter;
        using (NewDisposeScope())
        {
            adapter = model.CreateAdapter();
        }

        AssertAlive(adapter);
        adapter.Dispose();
    }

    [Fact]
    public void An_adapter_loaded_in_a_dispose_scope_survives_it()
    {
        using var model = new Tower();
        using var folder = new ScratchFolder();
        using var saved = model.CreateAdapter().Trained();
        saved.Save(folder.Path);
        Tower.Adapter adapter;
        using (NewDisposeScope())
        {
            adapter = Tower.Adapter.Load(folder.Path, model);
        }

        Assert.Equal(Base.Bytes(saved), Base.Bytes(adapter));
        adapter.Dispose();
    }

    [Fact]
    public void An_adapter_moved_in_a_dispose_scope_survives_it()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        using (NewDisposeScope())
        {
            adapter.to(ScalarType.BFloat16);
        }

        AssertAlive(adapter);
    }

    [Fact]
    public void A_merge_in_a_dispose_scope_can_be_undone_after_it()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        using (NewDisposeScope())
        {
            model.Merge(adapter);
        }

        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void Disposing_an_adapter_disposes_nothing_of_the_base()
    {
        using var model = new Tower();
        var before = Base.Bytes(model);
        var adapter = model.CreateAdapter();
        model.ActiveAdapter = adapter;
        model.ActiveAdapter = null;
        adapter.Dispose();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void Disposing_the_base_disposes_no_adapter()
    {
        var model = new Tower();
        using var adapter = model.CreateAdapter();
        model.ActiveAdapter = adapter;
        model.Dispose();
        AssertAlive(adapter);
    }

    [Fact]
    public void Disposing_one_adapter_disposes_no_other()
    {
        using var model = new Tower();
        var first = model.CreateAdapter();
        using var second = model.CreateAdapter();
        first.Dispose();
        AssertAlive(second);
    }

    // A module passes over its disposed parameters, so that all of them have to be counted.
    private static void AssertAlive(LoraAdapter adapter)
    {
        Assert.Equal(13, adapter.Updates.Count);
        Assert.All(adapter.Updates, update => Assert.Equal((false, false), (update.A.IsInvalid, update.B.IsInvalid)));
    }
}
