using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Swapping;

/// <summary>In the scope the base's bits, after it those of before.</summary>
public sealed class DisableAdapterTests : IDisposable
{
    private readonly Tower _model = new();
    private readonly Tower.Adapter _first;
    private readonly Tower.Adapter _second;
    private readonly Tensor _x = Base.Input(3, Tower.Width);
    private readonly byte[] _base;
    private readonly Dictionary<string, byte[]> _weights;

    public DisableAdapterTests()
    {
        (_base, _weights) = (Output(), Base.Bytes(_model));
        _first = _model.CreateAdapter().Trained(seed: 1);
        _second = _model.CreateAdapter(new LoraConfig { TargetModules = ["up"] }).Trained(seed: 2);
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _model.Dispose();
        _x.Dispose();
    }

    [Fact]
    public void The_base_computes_in_the_scope_and_the_adapter_after_it()
    {
        _model.ActiveAdapter = _first;
        var active = Output();
        using (_model.DisableAdapter())
        {
            Assert.Null(_model.ActiveAdapter);
            Assert.Equal(_base, Output());
        }

        Assert.Same(_first, _model.ActiveAdapter);
        Assert.Equal(active, Output());
    }

    [Fact]
    public void An_exception_ends_the_scope_too()
    {
        _model.ActiveAdapter = _first;
        Assert.Throws<InvalidOperationException>(Interrupted);
        Assert.Same(_first, _model.ActiveAdapter);

        void Interrupted()
        {
            using (_model.DisableAdapter())
            {
                throw new InvalidOperationException();
            }
        }
    }

    [Fact]
    public void Scopes_nest_and_each_puts_back_what_it_found()
    {
        _model.ActiveAdapter = _first;
        var first = Output();
        using (_model.DisableAdapter())
        {
            _model.ActiveAdapter = _second;
            var second = Output();
            using (_model.DisableAdapter())
            {
                Assert.Equal(_base, Output());
                using (_model.DisableAdapter())
                {
                    Assert.Equal(_base, Output());
                }

                Assert.Equal(_base, Output());
            }

            Assert.Equal(second, Output());
        }

        Assert.Equal(first, Output());
    }

    [Fact]
    public void A_scope_that_has_ended_does_nothing_when_it_is_disposed_again()
    {
        _model.ActiveAdapter = _first;
        var scope = _model.DisableAdapter();
        scope.Dispose();
        _model.ActiveAdapter = null;
        scope.Dispose();
        Assert.Null(_model.ActiveAdapter);
    }

    [Fact]
    public void Nothing_active_stays_nothing_active()
    {
        using (_model.DisableAdapter())
        {
            _model.ActiveAdapter = _first;
        }

        Assert.Null(_model.ActiveAdapter);
        Assert.Equal(_base, Output());
    }

    // Not the whole's part, but what the part had itself.
    [Fact]
    public void A_part_with_an_adapter_of_its_own_gets_that_back()
    {
        using var own = _model.FloorAt(0).CreateAdapter().Trained(seed: 3);
        _model.ActiveAdapter = _first;
        _model.FloorAt(0).ActiveAdapter = own;
        _model.FloorAt(1).ActiveAdapter = null;
        var mixed = Output();
        using (_model.DisableAdapter())
        {
            Assert.Equal(_base, Output());
        }

        Assert.Same(_first, _model.ActiveAdapter);
        Assert.Same(own, _model.FloorAt(0).ActiveAdapter);
        Assert.Null(_model.FloorAt(1).ActiveAdapter);
        Assert.Equal(mixed, Output());
    }

    [Fact]
    public void A_part_alone_can_be_disabled()
    {
        _model.ActiveAdapter = _first;
        _model.FloorAt(0).ActiveAdapter = null;
        var without = Output();
        _model.ActiveAdapter = _first;
        using (_model.FloorAt(0).DisableAdapter())
        {
            Assert.Equal(without, Output());
            Assert.Same(_first.floors[1], _model.FloorAt(1).ActiveAdapter);
        }

        Assert.Same(_first.floors[0], _model.FloorAt(0).ActiveAdapter);
    }

    [Fact]
    public void A_mixed_batch_goes_on_after_the_scope()
    {
        using var mixed = new MixedBatch<Tower.Adapter>(_model) { Rows = [_first, null, _second] };
        _model.ActiveAdapter = mixed.Adapter;
        var rows = Output();
        using (_model.DisableAdapter())
        {
            Assert.Equal(_base, Output());
        }

        Assert.Equal(rows, Output());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Merged_weights_are_the_bases_in_the_scope_and_carry_the_adapter_after_it_bit_for_bit(ScalarType dtype)
    {
        using var model = new Tower();
        model.to(dtype);
        var before = Base.Bytes(model);
        using var adapter = model.CreateAdapter().Trained();
        model.Merge(adapter);
        var merged = Base.Bytes(model);
        using (NewDisposeScope())
        using (model.DisableAdapter())
        {
            Assert.Equal(before, Base.Bytes(model));
            using (model.DisableAdapter())
            {
                Assert.Equal(before, Base.Bytes(model));
            }

            Assert.Equal(before, Base.Bytes(model));
            Assert.Same(adapter, model.MergedAdapter);

            // What the weights carry is what was merged, whatever becomes of the adapter meanwhile.
            adapter.Trained(seed: 100);
        }

        Assert.Equal(merged, Base.Bytes(model));
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void Over_merged_weights_neither_Unmerge_nor_another_adapter_is_accepted()
    {
        _model.Merge(_first);
        var merged = Base.Bytes(_model);
        using (_model.DisableAdapter())
        {
            Refused(_model.Unmerge, "Unmerge", "DisableAdapter");
            Refused(() => _model.Merge(_second), "already carries a merged adapter");
            Refused(() => _model.ActiveAdapter = _second, "already carries a merged adapter");
            Refused(() => _model.CreateAdapter(), "carries a merged adapter");
            Assert.Equal(_weights, Base.Bytes(_model));
        }

        Assert.Equal(merged, Base.Bytes(_model));
    }

    [Fact]
    public void A_merge_of_a_part_is_taken_out_too()
    {
        _model.FloorAt(1).Merge(_first.floors[1]);
        var merged = Base.Bytes(_model);
        using (_model.DisableAdapter())
        {
            Assert.Equal(_weights, Base.Bytes(_model));
        }

        Assert.Equal(merged, Base.Bytes(_model));
        _model.FloorAt(1).Unmerge();
        Assert.Equal(_weights, Base.Bytes(_model));
    }

    [Fact]
    public void What_was_merged_in_the_scope_is_unmerged_at_its_end()
    {
        _model.ActiveAdapter = _first;
        var active = Output();
        using (_model.DisableAdapter())
        {
            _model.Merge(_second);
            Assert.NotEqual(_weights, Base.Bytes(_model));
        }

        Assert.Null(_model.MergedAdapter);
        Assert.Equal(_weights, Base.Bytes(_model));
        Assert.Equal(active, Output());
    }

    // A merge in fp32 that goes on in bf16: the merged weights, rounded once.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_model_that_is_moved_while_merged_has_the_merged_values_in_its_dtype(bool inScope)
    {
        _model.Merge(_first);
        var merged = Values.Flat(_model.get_parameter("lm_head.weight")!);
        if (!inScope)
        {
            _model.to(ScalarType.BFloat16);
        }

        using (_model.DisableAdapter())
        {
            if (inScope)
            {
                _model.to(ScalarType.BFloat16);
            }

            Assert.NotEqual(merged.Select(Rounded), Values.Flat(_model.get_parameter("lm_head.weight")!));
        }

        Assert.Equal(merged.Select(Rounded), Values.Flat(_model.get_parameter("lm_head.weight")!));
        _model.Unmerge();
        _model.to(ScalarType.Float32);
        Assert.Equal(Rounded(BitConverter.ToSingle(_weights["lm_head.weight"])), Values.Flat(_model.get_parameter("lm_head.weight")!)[0]);

        static double Rounded(double value) => Rounding.Nearest(ScalarType.BFloat16, value);
    }

    [Fact]
    public void A_weight_that_carries_what_another_model_merged_is_refused()
    {
        using var other = new Tower().Sharing(_model);
        _model.Merge(_first);
        Refused(() => other.DisableAdapter(), "its weight carries an adapter that was merged through another model", "Unmerge");
        _model.Unmerge();
        other.DisableAdapter().Dispose();
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        _model.Merge(_first);
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 3; i++)
        {
            _model.DisableAdapter().Dispose();
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
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
}
