using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Training;

/// <summary>The values of the base never change while an adapter trains, and the loss falls nevertheless.</summary>
public sealed class BaseUnchangedTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Fifty_steps_change_every_A_and_B_and_no_bit_of_the_base(ScalarType dtype)
    {
        using var model = new Tower();
        model.to(dtype);
        using var adapter = model.CreateAdapter(new LoraConfig { Dropout = 0.1 });
        model.ActiveAdapter = adapter;
        model.train();
        var (baseBefore, adapterBefore) = (Base.Bytes(model), Base.Bytes(adapter));

        using var optimizer = optim.AdamW(adapter.parameters(), lr: 0.01, weight_decay: 0.1);
        using var x = Base.Input(8, Tower.Width).to_type(dtype);
        for (var step = 0; step < 50; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            (model.call(x) - 1).square().mean().backward();
            optimizer.step();
        }

        var (baseAfter, adapterAfter) = (Base.Bytes(model), Base.Bytes(adapter));
        Assert.Equal(baseBefore, baseAfter);
        Assert.Equal(26, adapterAfter.Count);
        Assert.All(adapterAfter, item => Assert.NotEqual(adapterBefore[item.Key], item.Value));
    }

    [Fact]
    public void Training_lowers_the_loss_of_a_frozen_base()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        model.ActiveAdapter = adapter;
        using var optimizer = optim.AdamW(adapter.parameters(), lr: 0.02);
        using var x = Base.Input(8, Tower.Width);
        var losses = new List<float>();
        for (var step = 0; step < 50; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            var loss = (model.call(x) - 1).square().mean();
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }

        Assert.True(losses[^1] < losses[0] / 4, $"the loss went from {losses[0]} to {losses[^1]}");
    }
}
