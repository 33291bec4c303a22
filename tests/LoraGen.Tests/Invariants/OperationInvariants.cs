using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>
/// What PEFT's and torchtune's tests hold of deleting, hot-swapping and disabling (tests/testing_common.py, test_hotswap.py;
/// tests/torchtune/modules/peft), against the arithmetic of <see cref="TowerReference"/>.
/// </summary>
public sealed class OperationInvariants : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();
    private readonly Tower _model = new();
    private readonly Tensor _x = Base.Input(1, Tower.Width);
    private readonly Dictionary<string, byte[]> _weights;
    private readonly byte[] _base;

    public OperationInvariants() => (_weights, _base) = (Base.Bytes(_model), Base.Bytes(_model.call(_x)));

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    // PEFT activates another adapter in the place of a deleted one. Here the base is left: nobody chose the other.
    [Fact]
    public void I19_A_deleted_adapter_is_gone_a_merged_one_is_not_deleted_and_an_unknown_one_is_named()
    {
        using var adapters = new NamedAdapters<Tower.Adapter>(_model);
        var french = adapters.Create("french").Trained(seed: 1);
        var formal = adapters.Create("formal", new LoraConfig { TargetModules = ["up"] }).Trained(seed: 2);
        var expected = Output(formal);

        adapters.Active = "french";
        adapters.Delete("french");
        Assert.Equal(["formal"], adapters.Names);
        Assert.Null(adapters.Active);
        Assert.Equal(_base, Base.Bytes(_model.call(_x)));
        Assert.All(french.parameters(), parameter => Assert.True(parameter.IsInvalid));
        Assert.Contains("'french': expected the name of an adapter, one of [formal]", Refusal(() => adapters.Active = "french"), StringComparison.Ordinal);
        Assert.Contains("'french'", Refusal(() => adapters.Delete("french")), StringComparison.Ordinal);

        _model.Merge(formal);
        var merged = Base.Bytes(_model);
        Assert.Contains("Call Unmerge first", Refusal(() => adapters.Delete("formal")), StringComparison.Ordinal);
        Assert.Equal(["formal"], adapters.Names);
        Assert.Equal(merged, Base.Bytes(_model));
        _model.Unmerge();
        adapters.Active = "formal";
        AssertIs(expected);
    }

    // PEFT's aim is a model that need not be compiled again. There is no compilation here: what stays is every parameter, so that an
    // optimizer and a mixed batch go on.
    [Fact]
    public void I23_A_hot_swap_equals_loading_with_zero_for_what_is_missing_and_an_error_for_what_is_too_much()
    {
        using var folder = new ScratchFolder();
        using var adapter = _model.CreateAdapter().Trained(seed: 1);
        using (var whole = _model.CreateAdapter().Trained(seed: 2))
            whole.Save(folder.PathOf("whole"));
        using (var part = _model.CreateAdapter(new LoraConfig { TargetModules = ["down"] }).Trained(seed: 3))
            part.Save(folder.PathOf("part"));
        var parameters = adapter.parameters().ToList();
        foreach (var name in new[] { "whole", "part" })
        {
            using var loaded = Tower.Adapter.Load(folder.PathOf(name), _model);
            var expected = Output(loaded);
            _model.ActiveAdapter = adapter;
            _model.HotSwap(adapter, folder.PathOf(name));
            AssertIs(expected);
        }

        Assert.All(parameters.Zip(adapter.parameters()), pair => Assert.Same(pair.First, pair.Second));
        using var small = _model.CreateAdapter(new LoraConfig { TargetModules = ["down"] }).Trained(seed: 4);
        var before = Base.Bytes(small);
        Assert.Contains("lm_head: expected no update", Refusal(() => _model.HotSwap(small, folder.PathOf("whole"))), StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(small));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void I37_A_disabled_adapter_leaves_the_base_bit_for_bit_and_is_back_after_an_exception(bool merged)
    {
        using var adapter = _model.CreateAdapter().Trained();
        var expected = Output(adapter);
        _model.ActiveAdapter = adapter;
        if (merged)
            _model.Merge(adapter);
        AssertIs(expected);
        var output = Base.Bytes(_model.call(_x));

        Assert.Throws<InvalidOperationException>(Interrupted);

        Assert.Same(adapter, merged ? _model.MergedAdapter : _model.ActiveAdapter);
        Assert.Equal(output, Base.Bytes(_model.call(_x)));

        void Interrupted()
        {
            using (_model.DisableAdapter())
            {
                Assert.Equal(_weights, Base.Bytes(_model));
                Assert.Equal(_base, Base.Bytes(_model.call(_x)));
                throw new InvalidOperationException();
            }
        }
    }

    private double[] Output(Tower.Adapter adapter) => new TowerReference(_model, adapter).Forward(Values.Flat(_x));

    private void AssertIs(double[] expected)
        => Assert.All(expected.Zip(Values.Flat(_model.call(_x))), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * (1 + Math.Abs(pair.First))));

    private static string Refusal(Action action) => Assert.Throws<LoraException>(action).Message;
}
