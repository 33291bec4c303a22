using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Memory;

/// <summary>
/// No native tensor is left behind. A tensor that only the garbage collector frees stays in this thread's count, since finalizers run on
/// a thread of their own: the count does not depend on when it collects.
/// </summary>
public sealed class LiveTensorTests
{
    private static long Live => DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Ten_thousand_training_steps_end_with_as_many_as_a_hundred(ScalarType dtype)
    {
        using var model = new OneTarget(4, 3);
        model.to(dtype);
        using var adapter = model.CreateAdapter(new LoraConfig { Dropout = 0.1 });
        model.ActiveAdapter = adapter;
        model.train();
        using var optimizer = optim.AdamW(adapter.parameters(), lr: 0.01);
        using var x = Base.Input(2, 4).to_type(dtype);
        Train(100);
        var afterHundred = Live;
        Train(9_900);
        Assert.Equal(afterHundred, Live);

        void Train(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                using var scope = NewDisposeScope();
                optimizer.zero_grad();
                model.call(x).square().mean().backward();
                optimizer.step();
            }
        }
    }

    // Every swap is followed by a call, in which a bf16 base makes an adapter in evaluation mode keep copies.
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Ten_thousand_swaps_end_with_as_many_as_a_hundred(ScalarType dtype)
    {
        using var model = new OneTarget(4, 3);
        model.to(dtype);
        using var first = model.CreateAdapter().Trained();
        using var second = model.CreateAdapter().Trained();
        second.eval();
        using var x = Base.Input(2, 4).to_type(dtype);
        using var inference = no_grad();
        Swap(100);
        var afterHundred = Live;
        Swap(9_900);
        Assert.Equal(afterHundred, Live);

        void Swap(int times)
        {
            for (var i = 0; i < times; i++)
            {
                model.ActiveAdapter = i % 3 == 0 ? first : i % 3 == 1 ? second : null;
                model.call(x).Dispose();
            }
        }
    }

    [Fact]
    public void A_call_leaves_its_result_and_nothing_else()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(4, Tower.Width);
        model.ActiveAdapter = adapter;
        var before = Live;
        using var y = model.call(x);
        Assert.Equal(before + 1, Live);
    }

    [Fact]
    public void Merge_and_Unmerge_leave_nothing()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        model.Merge(adapter);
        model.Unmerge();
        var before = Live;
        model.Merge(adapter);
        model.Unmerge();
        Assert.Equal(before, Live);
    }

    [Fact]
    public void Merge_a_move_and_Unmerge_leave_nothing()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var before = Live;
        model.Merge(adapter);
        model.to(ScalarType.BFloat16);
        model.Unmerge();
        Assert.Equal(before, Live);
    }

    [Fact]
    public void A_merge_that_is_refused_leaves_nothing()
    {
        using var model = new OneTarget(4, 4, dtype: ScalarType.Float16);
        using var adapter = model.CreateAdapter().Trained(size: 300);
        var before = Live;
        Assert.Throws<LoraException>(() => model.Merge(adapter));
        Assert.Equal(before, Live);
    }

    [Fact]
    public void An_adapter_that_is_made_and_disposed_leaves_nothing()
    {
        using var model = new Tower();
        model.CreateAdapter().Dispose();
        var before = Live;
        model.CreateAdapter().Dispose();
        Assert.Equal(before, Live);
    }
}
