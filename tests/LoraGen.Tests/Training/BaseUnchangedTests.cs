using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Training;

/// <summary>The base never changes: not its values while an adapter trains, and not its keys whatever is done to it.</summary>
public sealed class BaseUnchangedTests
{
    private static readonly string[] Keys =
    [
        .. from floor in new[] { 0, 1 }
           from room in new[] { "entrance", "h.0", "h.1" }
           from name in new[] { "down.weight", "up.bias", "up.weight" }
           select $"floors.{floor}.{room}.{name}",
        "lm_head.bias", "lm_head.weight", "mix.bias", "mix.weight",
    ];

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

    [Fact]
    public void The_state_dict_has_the_same_keys_all_along()
    {
        using var model = new Tower();
        AssertKeys("before");
        using var adapter = model.CreateAdapter().Trained();
        AssertKeys("CreateAdapter");
        model.ActiveAdapter = adapter;
        AssertKeys("ActiveAdapter");
        model.Merge(adapter);
        AssertKeys("Merge");
        model.Unmerge();
        AssertKeys("Unmerge");
        model.ActiveAdapter = null;
        AssertKeys("ActiveAdapter = null");

        void AssertKeys(string step)
        {
            Assert.True(Keys.ToHashSet().SetEquals(model.state_dict().Keys), step);
            Assert.True(Keys.ToHashSet().SetEquals(model.named_parameters().Select(item => item.name)), step);
        }
    }

    [Fact]
    public void Making_an_adapter_freezes_the_base_and_not_the_adapter()
    {
        using var model = new Tower();
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
        using var adapter = model.CreateAdapter();
        Assert.All(model.parameters(), parameter => Assert.False(parameter.requires_grad));
        Assert.All(adapter.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void An_adapter_owns_A_and_B_and_nothing_of_the_base()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        Assert.Equal(
            Keys.Where(key => key.EndsWith(".weight", StringComparison.Ordinal) && !key.StartsWith("mix", StringComparison.Ordinal))
                .SelectMany(key => new[] { key.Replace(".weight", ".lora_A.weight"), key.Replace(".weight", ".lora_B.weight") })
                .Order(StringComparer.Ordinal),
            adapter.state_dict().Keys.Order(StringComparer.Ordinal));
    }
}
