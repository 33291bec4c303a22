using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Merging;

/// <summary>An embedding and a head that compute with one weight: each may have an adapter, and neither can be merged.</summary>
public sealed class TiedWeightsTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();
    private readonly Gpt _model = new(tied: true);

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    // Against a model with two weights of the same values.
    [Theory]
    [InlineData("wte")]
    [InlineData("lm_head")]
    [InlineData("wte lm_head")]
    public void An_adapter_changes_what_it_is_for_and_no_more(string targets)
    {
        using var untied = new Gpt();
        untied.load_state_dict(_model.state_dict());
        var config = new LoraConfig { TargetModules = targets.Split(' ') };
        using var adapter = _model.CreateAdapter(config).Trained();
        using var expected = untied.CreateAdapter(config).Trained();
        var (ids, bits) = (tensor(new long[] { 3, 0, 6, 3 }), Base.Bytes(_model));
        Assert.Equal(Base.Bytes(untied.call(ids)), Base.Bytes(_model.call(ids)));

        (_model.ActiveAdapter, untied.ActiveAdapter) = (adapter, expected);

        Assert.Equal(Base.Bytes(untied.call(ids)), Base.Bytes(_model.call(ids)));
        Assert.Equal(bits, Base.Bytes(_model));
    }

    [Theory]
    [InlineData("wte", "transformer.wte")]
    [InlineData("lm_head", "lm_head")]
    [InlineData("wte lm_head", "lm_head")]
    public void A_merge_is_refused_since_it_would_change_the_other_too(string targets, string path)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = targets.Split(' ') }).Trained();
        _model.ActiveAdapter = adapter;
        var bits = Base.Bytes(_model);

        var refusal = Assert.Throws<LoraException>(() => _model.Merge(adapter));

        Assert.StartsWith($"{path}: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("[transformer.wte.weight, lm_head.weight]", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(bits, Base.Bytes(_model));
        Assert.Same(adapter, _model.ActiveAdapter);
        Assert.Null(_model.MergedAdapter);
    }

    [Fact]
    public void What_is_not_tied_is_merged()
    {
        using var adapter = _model.CreateAdapter().Trained();
        var bits = Base.Bytes(_model);
        _model.Merge(adapter);
        Assert.Equal(
            ["transformer.h.0.c_attn.weight", "transformer.h.1.c_attn.weight", "transformer.h.2.c_attn.weight"],
            bits.Keys.Where(key => !bits[key].SequenceEqual(Base.Bytes(_model)[key])).Order(StringComparer.Ordinal));
        _model.Unmerge();
        Assert.Equal(bits, Base.Bytes(_model));
    }
}
