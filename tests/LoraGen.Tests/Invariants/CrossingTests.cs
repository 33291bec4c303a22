using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What one operation leaves behind and another relies on.</summary>
public sealed class CrossingTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();
    private readonly ScratchFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        _scope.Dispose();
    }

    // Rows of other ids have the same shape, and would stand in for the wrong words.
    [Theory]
    [InlineData(2, 5)]
    [InlineData(4, 1)]
    public void Rows_of_other_ids_or_in_another_order_are_not_swapped_in(int first, int second)
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [1, 4] }).Filled(1);
        using (var other = model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [first, second] }).Filled(2))
            other.Save(_folder.Path);
        var before = Base.Bytes(adapter);

        var refusal = Assert.Throws<LoraException>(() => model.HotSwap(adapter, _folder.Path)).Message;

        Assert.Contains($"transformer.wte: trainable_token_indices: expected [1, 4] as in the adapter to swap into, found [{first}, {second}]", refusal, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(adapter));
    }

    [Fact]
    public void Rows_of_the_same_ids_and_biases_are_swapped_in()
    {
        var config = new LoraConfig { TrainableTokenIndices = [4, 1], Bias = TrainedBiases.LoraOnly, LoraBias = true };
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(config).Filled(1).Serving();
        using var other = model.CreateAdapter(config).Filled(2);
        other.Save(_folder.Path);
        model.HotSwap(adapter, _folder.Path);
        Assert.Equal(Base.Bytes(other), Base.Bytes(adapter));
        Assert.Equal(Output(model, other), Output(model, adapter));
    }

    // It was active before, and so its shapes are known to fit; the weights are no longer those it was made for.
    [Fact]
    public void An_adapter_of_the_base_before_it_was_quantised_is_refused()
    {
        using var model = new OneTarget(8, 6);
        using var old = model.CreateAdapter().Trained();
        model.ActiveAdapter = old;
        model.ActiveAdapter = null;
        using var quantized = model.QuantizeAndCreateAdapter().Adapter;
        Assert.Contains("fingerprint", Assert.Throws<LoraException>(() => model.ActiveAdapter = old).Message, StringComparison.Ordinal);
        model.ActiveAdapter = quantized;
    }

    // The bias alone carries the adapter then.
    [Fact]
    public void Biases_that_another_model_shares_and_merged_are_not_added_to()
    {
        using var first = new Gpt();
        using var second = new Gpt().Sharing(first);
        using var biases = first.CreateAdapter(new LoraConfig { TargetModules = [], Bias = TrainedBiases.All }).Filled(1);
        using var other = second.CreateAdapter(new LoraConfig { TargetModules = ["c_proj"] }).Filled(2);
        var x = Ids();
        second.ActiveAdapter = other;
        var expected = Base.Bytes(second.call(x));

        first.Merge(biases);

        Refused(() => second.call(x));
        second.ActiveAdapter = null;
        Refused(() => second.ActiveAdapter = other);
        Refused(() => second.Merge(other));
        Refused(() => second.CreateAdapter());
        Refused(() => second.DisableAdapter());
        first.Unmerge();
        second.ActiveAdapter = other;
        Assert.Equal(expected, Base.Bytes(second.call(x)));

        static void Refused(Action action) => Assert.Contains("merged", Assert.Throws<LoraException>(action).Message, StringComparison.Ordinal);
    }

    // Values that are not finite equal nothing, not even themselves.
    [Fact]
    public void A_bias_that_is_not_a_number_makes_such_an_output_frozen_or_not()
    {
        using var inference = no_grad();
        using var model = new OneTarget(8, 5, dtype: ScalarType.BFloat16);
        using var adapter = model.CreateAdapter(new LoraConfig { Bias = TrainedBiases.LoraOnly, LoraBias = true }).Filled();
        adapter.proj.Bias![1] = double.NaN;
        adapter.Serving();
        model.ActiveAdapter = adapter;
        Assert.Equal([false, true, false, false, false], Values.Flat(model.call(Base.Input(1, 8).to_type(ScalarType.BFloat16))).Select(double.IsNaN));
    }

    [Fact]
    public void All_options_together_come_back()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig
        {
            Rank = 2, Alpha = 3, UseRslora = true, Dropout = 0.1, LoraBias = true, Bias = TrainedBiases.All, TrainableTokenIndices = [6, 1],
            ModulesToSave = ["lm_head"], TargetModules = ["c_attn", "h.1.gate"], RankPattern = new Dictionary<string, int> { ["gate"] = 1 },
        }).Filled();
        adapter.Save(_folder.Path);
        using var loaded = Gpt.Adapter.Load(_folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
        Assert.Equal(Output(model, adapter), Output(model, loaded));
        using (var checkpoint = LoraGen.Peft.PeftCheckpoint.Open(_folder.Path))
        {
            _ = checkpoint.Inspect();
            checkpoint.Save(_folder.PathOf("again"));
        }

        using var again = Gpt.Adapter.Load(_folder.PathOf("again"), model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(again));
        using var merged = no_grad();
        var before = Base.Bytes(model);
        model.Merge(again);
        using (model.DisableAdapter())
            Assert.Equal(before, Base.Bytes(model));
        Assert.NotEqual(before, Base.Bytes(model));
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    private static byte[] Output(Gpt model, Gpt.Adapter adapter)
    {
        using var inference = no_grad();
        model.eval();
        model.ActiveAdapter = adapter;
        var output = Base.Bytes(model.call(Ids()));
        model.ActiveAdapter = null;
        return output;
    }

    private static Tensor Ids() => tensor(new long[] { 3, 1, 6, 0, 5, 3, 4, 2 }).view(2, 4);
}
