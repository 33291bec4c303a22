using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Tests.Swapping;

/// <summary>An adapter that takes another's files into its tensors computes what loading them would.</summary>
public sealed class HotSwapTests : IDisposable
{
    private readonly Tower _model = new();
    private readonly Tower.Adapter _adapter;
    private readonly ScratchFolder _folder = new();
    private readonly Tensor _x = Base.Input(3, Tower.Width);

    public HotSwapTests() => _adapter = _model.CreateAdapter().Trained(seed: 1);

    public void Dispose()
    {
        _adapter.Dispose();
        _model.Dispose();
        _folder.Dispose();
        _x.Dispose();
    }

    // Frozen over a bf16 base, the adapter keeps copies, which have to go.
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void It_equals_loading_in_the_same_tensors_while_active(ScalarType dtype)
    {
        using var model = new Tower();
        model.to(dtype);
        using var x = _x.to_type(dtype);
        using var adapter = model.CreateAdapter().Trained(seed: 1).Serving();
        using (var other = model.CreateAdapter().Trained(seed: 2))
        {
            other.Save(_folder.Path);
        }

        using var fresh = Tower.Adapter.Load(_folder.Path, model).Serving();
        model.ActiveAdapter = fresh;
        var expected = Output();
        model.ActiveAdapter = adapter;
        Assert.NotEqual(expected, Output());
        var (handles, modes) = (adapter.parameters().ToList(), adapter.parameters().Select(parameter => parameter.requires_grad).ToList());

        model.HotSwap(adapter, _folder.Path);

        Assert.Equal(expected, Output());
        Assert.Equal(Base.Bytes(fresh), Base.Bytes(adapter));
        Assert.All(handles.Zip(adapter.parameters()), pair => Assert.Same(pair.First, pair.Second));
        Assert.Equal(modes, adapter.parameters().Select(parameter => parameter.requires_grad));
        Assert.False(adapter.training);

        byte[] Output()
        {
            using var inference = no_grad();
            using var y = model.call(x);
            return Base.Bytes(y);
        }
    }

    [Fact]
    public void A_projection_that_the_files_lack_computes_as_the_base()
    {
        using var scope = NewDisposeScope();
        using (var other = _model.CreateAdapter(new LoraConfig { TargetModules = ["up"] }).Trained(seed: 2))
        {
            other.Save(_folder.Path);
        }

        using var fresh = Tower.Adapter.Load(_folder.Path, _model);
        _model.ActiveAdapter = fresh;
        var expected = Values.Flat(_model.call(_x));
        _model.HotSwap(_adapter, _folder.Path);
        _model.ActiveAdapter = _adapter;
        Assert.Equal(expected, Values.Flat(_model.call(_x)), (left, right) => Math.Abs(left - right) < 1e-6);
        Assert.All(_adapter.Updates.Where(update => !update.Path.EndsWith(".up", StringComparison.Ordinal)).SelectMany(update => update.parameters()), parameter => Assert.All(Values.Flat(parameter), value => Assert.Equal(0, value)));
    }

    [Fact]
    public void What_trains_it_steps_the_new_values_from_no_gradient()
    {
        using var scope = NewDisposeScope();
        using (var other = _model.CreateAdapter().Trained(seed: 2))
        {
            other.Save(_folder.Path);
        }

        using var optimizer = optim.SGD(_adapter.parameters(), 0.5);
        _model.ActiveAdapter = _adapter;
        _model.call(_x).sum().backward();
        _model.HotSwap(_adapter, _folder.Path);
        Assert.All(_adapter.parameters(), parameter => Assert.Null(parameter.grad));
        var before = Values.Flat(_adapter._head.B);
        _model.call(_x).sum().backward();
        optimizer.step();
        Assert.Equal(before.Zip(Values.Flat(_adapter._head.B.grad!), (value, gradient) => value - (0.5 * gradient)), Values.Flat(_adapter._head.B), (left, right) => Math.Abs(left - right) < 1e-6);
    }

    [Fact]
    public void A_row_of_a_mixed_batch_gets_it_too()
    {
        using var scope = NewDisposeScope();
        using (var other = _model.CreateAdapter().Trained(seed: 2))
        {
            other.Save(_folder.Path);
        }

        using var mixed = new MixedBatch<Tower.Adapter>(_model) { Rows = [null, _adapter, null] };
        using var fresh = Tower.Adapter.Load(_folder.Path, _model);
        _model.ActiveAdapter = fresh;
        var expected = Values.Flat(_model.call(_x)[1]);
        _model.HotSwap(_adapter, _folder.Path);
        _model.ActiveAdapter = mixed.Adapter;
        Assert.Equal(expected, Values.Flat(_model.call(_x)[1]), (left, right) => Math.Abs(left - right) < 1e-5);
    }

    [Fact]
    public void DoRA_and_its_magnitudes()
    {
        using var scope = NewDisposeScope();
        using var adapter = _model.CreateAdapter(new LoraConfig { UseDora = true }).Filled(seed: 1).Serving();
        var bare = Base.Bytes(_model.call(_x));
        _model.ActiveAdapter = adapter;
        _model.call(_x);
        using (var other = _model.CreateAdapter(new LoraConfig { UseDora = true, TargetModules = ["up"] }).Filled(seed: 2))
        {
            other.Save(_folder.Path);
        }

        _model.HotSwap(adapter, _folder.Path);
        var found = Values.Flat(_model.call(_x));
        _model.ActiveAdapter = Tower.Adapter.Load(_folder.Path, _model);
        Assert.Equal(Values.Flat(_model.call(_x)), found, (left, right) => Math.Abs(left - right) < 1e-5);
        Assert.NotEqual(bare, Base.Bytes(_model.call(_x)));
        _model.ActiveAdapter.Dispose();
    }

    [Fact]
    public void A_head_that_is_saved_whole_and_the_bases_where_the_files_have_none()
    {
        using var scope = NewDisposeScope();
        using var model = new Classified();
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled(seed: 1);
        using (var other = model.CreateAdapter(new LoraConfig { ModulesToSave = ["classifier"] }).Filled(seed: 2))
        {
            other.Save(_folder.Path);
        }

        using var fresh = Classified.Adapter.Load(_folder.Path, model);
        model.ActiveAdapter = fresh;
        var expected = Base.Bytes(model.call(SavedBase.Ids()));
        model.HotSwap(adapter, _folder.Path);
        model.ActiveAdapter = adapter;
        Assert.Equal(expected, Base.Bytes(model.call(SavedBase.Ids())));
        Assert.Equal(Values.Flat(model.get_parameter("wte.weight")!), Values.Flat(adapter.wte.Weight));
    }

    [Fact]
    public void A_projection_that_only_the_files_adapt()
        => Refused(new LoraConfig { TargetModules = ["up"] }, new LoraConfig { TargetModules = ["up", "lm_head"] }, "HotSwap: lm_head: expected no update", _folder.Path);

    [Fact]
    public void Another_rank() => Refused(new LoraConfig { Rank = 4, Alpha = 8 }, new LoraConfig { Rank = 2, Alpha = 4 }, ": r: expected 4", "found 2", _folder.Path);

    [Fact]
    public void Another_alpha() => Refused(new LoraConfig { Rank = 4, Alpha = 8 }, new LoraConfig { Rank = 4, Alpha = 4 }, "lora_alpha", "expected 2", "found 1");

    [Fact]
    public void Another_scaling() => Refused(new LoraConfig { Rank = 4, Alpha = 8 }, new LoraConfig { Rank = 4, Alpha = 8, UseRslora = true }, "use_rslora", "expected 2", "found 4");

    [Fact]
    public void Another_dropout() => Refused(new LoraConfig(), new LoraConfig { Dropout = 0.25 }, "lora_dropout: expected 0 ", "found 0.25");

    [Fact]
    public void DoRA_into_a_plain_adapter() => Refused(new LoraConfig(), new LoraConfig { UseDora = true }, "use_dora: expected False", "found True");

    [Fact]
    public void A_start_out_of_the_base() => Refused(new LoraConfig { Init = LoraInit.Pissa, Rank = 2, Alpha = 2 }, new LoraConfig { Rank = 4, Alpha = 4 }, "keeps its start", "Init");

    [Fact]
    public void A_projection_that_is_saved_whole_in_one_and_adapted_in_the_other()
        => Refused(new LoraConfig { ModulesToSave = ["lm_head"] }, new LoraConfig(), "lm_head: modules_to_save: expected True", "found False");

    [Fact]
    public void Files_that_are_broken_or_missing()
    {
        Unchanged(() => _model.HotSwap(_adapter, _folder.PathOf("nothing")), "nothing");
        _adapter.Save(_folder.Path);
        File.WriteAllBytes(_folder.PathOf("adapter_model.safetensors"), File.ReadAllBytes(_folder.PathOf("adapter_model.safetensors"))[..^3]);
        Unchanged(() => _model.HotSwap(_adapter, _folder.Path), "adapter_model.safetensors");
    }

    [Fact]
    public void Files_for_another_base()
    {
        using var stranger = new Tower();
        using var foreign = stranger.CreateAdapter().Trained(seed: 2);
        foreign.Save(_folder.Path);
        Unchanged(() => _model.HotSwap(_adapter, _folder.Path), "fingerprint");
    }

    [Fact]
    public void A_merged_adapter()
    {
        _adapter.Save(_folder.Path);
        _model.Merge(_adapter);
        Unchanged(() => _model.HotSwap(_adapter, _folder.Path), "lm_head", "Unmerge");
    }

    private void Refused(LoraConfig own, LoraConfig stored, params string[] named)
    {
        using var adapter = _model.CreateAdapter(own).Filled(seed: 1);
        using (var other = _model.CreateAdapter(stored).Filled(seed: 2))
        {
            other.Save(_folder.Path);
        }

        Unchanged(() => _model.HotSwap(adapter, _folder.Path), adapter, named);
    }

    private void Unchanged(Action swap, params string[] named) => Unchanged(swap, _adapter, named);

    private static void Unchanged(Action swap, nn.Module adapter, string[] named)
    {
        var (before, live) = (Base.Bytes(adapter), DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        var refusal = Assert.Throws<LoraException>(swap);
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal(before, Base.Bytes(adapter));
    }
}
