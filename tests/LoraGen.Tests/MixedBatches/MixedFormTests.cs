using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.MixedBatches;

/// <summary>Which form is faster is found once for each class of shapes; whatever it is, the result is the same.</summary>
public sealed class MixedFormTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();
    private readonly OneTarget _model = new(6, 5, dtype: ScalarType.Float64);
    private readonly OneTarget.Adapter _first;
    private readonly OneTarget.Adapter _second;
    private readonly MixedBatch<OneTarget.Adapter> _mixed;

    public MixedFormTests()
    {
        _first = _model.CreateAdapter().Trained(seed: 1);
        _second = _model.CreateAdapter(new LoraConfig { Rank = 1 }).Trained(seed: 2);
        _mixed = new MixedBatch<OneTarget.Adapter>(_model, MixedForm.Auto) { Rows = [_first, _second, null, _first] };
        _model.ActiveAdapter = _mixed.Adapter;
    }

    public void Dispose()
    {
        _mixed.Dispose();
        _first.Dispose();
        _second.Dispose();
        _model.Dispose();
        _scope.Dispose();
    }

    // Seen by the tensors that a call makes: both forms, several times, or one form once.
    [Fact]
    public void A_class_of_shapes_is_measured_once_and_the_batch_keeps_the_choice()
    {
        using var inference = no_grad();
        var first = MadeBy(tokens: 3);
        var later = MadeBy(tokens: 3);
        Assert.True(first > 4 * later, $"{first} at first, {later} later");

        // 28 and 32 tokens are 32, up to the next power of two; 36 are not.
        Assert.Equal((true, false), Measured(tokens: 7));
        Assert.Equal((false, false), Measured(tokens: 8));
        Assert.Equal((true, false), Measured(tokens: 9));

        // Other rows, of as many adapters and ranks, are of the class; more of them are not.
        _mixed.Rows = [_second, _second, _first, null];
        Assert.Equal((true, false), Measured(tokens: 8)); // Sorted.
        _mixed.Rows = [_first, _second, _second, null];
        Assert.Equal((false, false), Measured(tokens: 8));
        _mixed.Rows = [_first, null, null, null];
        Assert.Equal((true, false), Measured(tokens: 8));

        (bool, bool) Measured(int tokens) => (MadeBy(tokens) > 4 * later, MadeBy(tokens) > 4 * later);
    }

    [Fact]
    public void What_is_measured_leaves_no_trace()
    {
        var x = Base.Input(4, 3, 6).to_type(ScalarType.Float64).requires_grad_();
        random.manual_seed(3);
        var expected = Values.Flat(rand(4));
        random.manual_seed(3);
        var (before, result) = (Base.Bytes(_first), _model.call(x));
        Assert.Equal(expected, Values.Flat(rand(4)));
        Assert.Equal(before, Base.Bytes(_first));
        result.sum().backward();
        var (gradient, measured) = (Values.Flat(_first.proj.A.grad!), Values.Flat(x.grad!));
        Assert.Equal(Values.Flat(result), Values.Flat(_model.call(x)));

        _first.zero_grad();
        x.grad!.zero_();
        _model.call(x).sum().backward();
        Assert.Equal(gradient, Values.Flat(_first.proj.A.grad!));
        Assert.Equal(measured, Values.Flat(x.grad!));
    }

    private long MadeBy(int tokens)
    {
        using var x = Base.Input(4, tokens, 6).to_type(ScalarType.Float64);
        var before = Made();
        _model.call(x).Dispose();
        return Made() - before;

        static long Made() => DisposeScopeManager.Statistics.CreatedInScopeCount + DisposeScopeManager.Statistics.CreatedOutsideScopeCount;
    }
}
