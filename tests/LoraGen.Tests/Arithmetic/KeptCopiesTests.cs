using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Arithmetic;

/// <summary>An adapter in evaluation mode keeps A and B in the base's dtype, and never longer than they are A and B.</summary>
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
    public void In_evaluation_mode_the_first_call_keeps_two_and_the_next_ones_no_more()
    {
        _adapter.eval();
        Assert.Equal(2, KeptBy(Evaluate));
        Assert.Equal(0, KeptBy(Evaluate));
        AssertIsFormula();
    }

    [Fact]
    public void Under_inference_mode_too_and_what_was_kept_there_serves_a_call_that_records_gradients_not()
    {
        _adapter.eval();
        Assert.Equal(2, KeptBy(() =>
        {
            using var inference = inference_mode();
            _model.call(_x).Dispose();
        }));
        Record();
        using var gradient = _adapter.proj.A.grad;
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
    public void None_is_kept_by_a_call_that_records_gradients()
    {
        _adapter.eval();
        Assert.Equal(0, KeptBy(() => _model.call(_x).Dispose()));
        Evaluate();
        Assert.Equal(-2, KeptBy(() => _model.call(_x).Dispose()));
    }

    [Fact]
    public void None_is_kept_as_long_as_there_is_a_gradient_to_step_by()
    {
        _adapter.eval();
        Record();
        Assert.Equal(0, KeptBy(Evaluate));
        _adapter.zero_grad();
        Assert.Equal(2, KeptBy(Evaluate));
    }

    [Fact]
    public void None_is_kept_where_the_base_is_fp32_like_A_and_B()
    {
        _model.to(ScalarType.Float32);
        _adapter.eval();
        using var x = _x.to_type(ScalarType.Float32);
        using var inference = no_grad();
        Assert.Equal(0, KeptBy(() => _model.call(x).Dispose()));
    }

    [Fact]
    public void Another_dtype_of_the_base_takes_the_place_of_the_copies()
    {
        _adapter.eval();
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
        _adapter.eval();
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
            adapter.eval();
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
