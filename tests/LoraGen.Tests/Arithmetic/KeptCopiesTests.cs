using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Arithmetic;

/// <summary>A frozen adapter in evaluation mode keeps A and B in the base's dtype, and never longer than they are A and B.</summary>
public sealed class KeptCopiesTests : IDisposable
{
    private readonly OneTarget _model = new(64, 48, dtype: ScalarType.BFloat16);
    private readonly OneTarget.Adapter _adapter;
    private readonly Tensor _x = Base.Input(5, 64).to_type(ScalarType.BFloat16);

    public KeptCopiesTests()
    {
        _adapter = _model.CreateAdapter().Trained();
        _model.ActiveAdapter = _adapter;
    }

    public void Dispose()
    {
        _adapter.Dispose();
        _model.Dispose();
        _x.Dispose();
    }

    [Fact]
    public void Of_a_frozen_adapter_in_evaluation_mode_the_first_call_keeps_two_and_the_next_ones_no_more()
    {
        _adapter.Serving();
        Assert.Equal(2, KeptBy(Evaluate));
        Assert.Equal(0, KeptBy(Evaluate));
        AssertIsFormula();
    }

    [Fact]
    public void Whether_a_call_records_gradients_decides_nothing()
    {
        _adapter.Serving();
        Assert.Equal(2, KeptBy(() => _model.call(_x).Dispose()));
        Assert.Equal(0, KeptBy(Evaluate));
        Assert.Equal(0, KeptBy(() => _model.call(_x).Dispose()));
    }

    [Fact]
    public void What_is_kept_under_inference_mode_serves_a_call_that_records_the_gradient_of_x()
    {
        _adapter.Serving();
        Assert.Equal(2, KeptBy(() =>
        {
            using var inference = inference_mode();
            _model.call(_x).Dispose();
        }));
        using var x = _x.detach().requires_grad_();
        Assert.Equal(0, KeptBy(() =>
        {
            using var scope = NewDisposeScope();
            _model.call(x).to_type(ScalarType.Float32).sum().backward();
        }));
        using var gradient = x.grad;
        Assert.NotNull(gradient);
    }

    [Fact]
    public void In_training_mode_in_which_an_adapter_is_made_none_is_kept()
    {
        Assert.Equal(0, KeptBy(Evaluate));
        AssertIsFormula();
    }

    [Fact]
    public void A_loaded_adapter_is_in_training_mode_too()
    {
        using var folder = new ScratchFolder();
        _adapter.Save(folder.Path);
        using var loaded = OneTarget.Adapter.Load(folder.Path, _model);
        _model.ActiveAdapter = loaded;
        Assert.Equal(0, KeptBy(Evaluate));
    }

    [Fact]
    public void None_is_kept_of_what_may_be_trained()
    {
        _adapter.eval();
        Assert.Equal(0, KeptBy(Evaluate));
        _adapter.proj.A.requires_grad = false;
        Assert.Equal(0, KeptBy(Evaluate));
        _adapter.proj.B.requires_grad = false;
        Assert.Equal(2, KeptBy(Evaluate));
        _adapter.proj.A.requires_grad = true;
        Assert.Equal(-2, KeptBy(Evaluate));
    }

    [Fact]
    public void None_is_kept_as_long_as_there_is_a_gradient_to_step_by()
    {
        Record();
        _adapter.Serving();
        Assert.Equal(0, KeptBy(Evaluate));
        _adapter.zero_grad();
        Assert.Equal(2, KeptBy(Evaluate));
    }

    [Fact]
    public void Two_are_kept_of_an_fp32_base_too_until_they_may_change()
    {
        _model.to(ScalarType.Float32);
        _adapter.Serving();
        using var x = _x.to_type(ScalarType.Float32);
        using var inference = no_grad();
        Assert.Equal(2, KeptBy(() => _model.call(x).Dispose()));
        _adapter.proj.A.requires_grad = true;
        Assert.Equal(-2, KeptBy(() => _model.call(x).Dispose()));
    }

    // 100 rows are computed in bf16, 5 in fp32.
    [Fact]
    public void Two_are_kept_for_many_rows_and_two_for_few_and_all_go_together()
    {
        _adapter.Serving();
        using var many = Base.Input(100, 64).to_type(ScalarType.BFloat16);
        using var inference = no_grad();
        Assert.Equal(2, KeptBy(Evaluate));
        Assert.Equal(2, KeptBy(() => _model.call(many).Dispose()));
        Assert.Equal(0, KeptBy(Evaluate));
        using var y = _model.call(many);
        ForwardTests.AssertIsFormula(ForwardTests.ReferenceOf(_model, 4), many, y);
        _adapter.proj.A.requires_grad = true;
        Assert.Equal(-4, KeptBy(Evaluate));
    }

    [Fact]
    public void For_few_rows_a_base_of_another_dtype_in_half_precision_needs_no_other_copies()
    {
        _adapter.Serving();
        Evaluate();
        _model.to(ScalarType.Float16);
        using var x = _x.to_type(ScalarType.Float16);
        using var inference = no_grad();
        Assert.Equal(0, KeptBy(() => _model.call(x).Dispose()));
        using var y = _model.call(x);
        ForwardTests.AssertIsFormula(ForwardTests.ReferenceOf(_model, 4), x, y);
    }

    [Fact]
    public void They_survive_the_dispose_scope_of_the_first_call()
    {
        _adapter.Serving();
        byte[] first;
        using (NewDisposeScope())
        {
            first = Evaluate();
        }

        Assert.Equal(first, Evaluate());
    }

    [Fact]
    public void They_go_with_the_adapter()
    {
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var adapter = _model.CreateAdapter())
        {
            _model.ActiveAdapter = adapter;
            adapter.Serving();
            Evaluate();
            _model.ActiveAdapter = null;
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private byte[] Evaluate()
    {
        using var inference = no_grad();
        using var y = _model.call(_x);
        return Base.Bytes(y);
    }

    private void Record()
    {
        using var scope = NewDisposeScope();
        _model.call(_x).to_type(ScalarType.Float32).square().mean().backward();
    }

    private static long KeptBy(Action call)
    {
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        call();
        return DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;
    }

    private static long KeptBy(Func<byte[]> call) => KeptBy(() => { _ = call(); });

    private void AssertIsFormula()
    {
        using var inference = no_grad();
        using var y = _model.call(_x);
        ForwardTests.AssertIsFormula(ForwardTests.ReferenceOf(_model, 4), _x, y);
    }
}
