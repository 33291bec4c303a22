using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's tests hold of starts that look at activations or at what quantising loses (tests/test_initialization.py).</summary>
public sealed class ActivationInvariants
{
    [Theory]
    [InlineData(LoraInit.Eva)]
    [InlineData(LoraInit.Loftq)]
    public void I06_A_start_from_activations_or_from_a_quantised_weight_leaves_every_bit_of_the_output(LoraInit init)
    {
        using var scope = NewDisposeScope();
        using var model = new Tower();
        var (weights, x) = (Base.Bytes(model), Base.Input(17, Tower.Width));
        var before = Base.Bytes(model.call(x));
        var config = new LoraConfig { Rank = 2, Init = init };

        using var adapter = init == LoraInit.Eva
            ? model.CreateAdapterFromActivations(x.chunk(2), batch => model.call(batch), config, cancellation: TestContext.Current.CancellationToken).Adapter
            : model.CreateAdapter(config);
        model.ActiveAdapter = adapter;

        Assert.All(adapter.Updates, update => Assert.Contains(Reference.Values.Flat(update.A), value => value != 0));
        Assert.Equal(before, Base.Bytes(model.call(x)));
        Assert.Equal(weights, Base.Bytes(model));
    }
}
