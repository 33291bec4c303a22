using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>What comes later does not change what came before.</summary>
public sealed class PaddingTests
{
    [Fact]
    public void Padding_on_the_right_changes_no_earlier_position()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var alone = TinyLlama.Ids(3, 18, 0, 7);
        using var padded = TinyLlama.Ids(3, 18, 0, 7, 0, 0, 0);
        using var padMore = TinyLlama.Ids(3, 18, 0, 7, 9, 4, 18);
        var expected = TinyLlama.Logits(model, alone);
        foreach (var ids in new[] { padded, padMore })
        {
            foreach (var (wanted, found) in expected.Zip(TinyLlama.Logits(model, ids)))
            {
                TinyLlama.AssertClose(wanted, found);
            }
        }
    }

    [Fact]
    public void A_padded_row_changes_no_other_row()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var first = tensor(new long[] { 3, 18, 0, 7, 1, 2, 0, 0 }, 2, 4);
        using var second = tensor(new long[] { 3, 18, 0, 7, 5, 9, 4, 4 }, 2, 4);
        var (a, b) = (TinyLlama.Logits(model, first), TinyLlama.Logits(model, second));
        for (var position = 0; position < 4; position++)
        {
            TinyLlama.AssertClose(a[position], b[position]);
        }
    }

    [Fact]
    public void Every_earlier_token_changes_every_later_position()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var before = TinyLlama.Ids(3, 18, 0, 7, 2);
        using var changed = TinyLlama.Ids(3, 12, 0, 7, 2);
        var (a, b) = (TinyLlama.Logits(model, before), TinyLlama.Logits(model, changed));
        Assert.Equal(a[0], b[0]);
        for (var position = 1; position < 5; position++)
        {
            Assert.True(a[position].Zip(b[position], (x, y) => Math.Abs(x - y)).Max() > 1e-3, $"position {position}");
        }
    }

    // On a CPU attention is computed in fp32 where gradients flow, and a mask in bf16 would not fit.
    [Fact]
    public void A_padded_batch_in_bf16_has_gradients()
    {
        using var scope = NewDisposeScope();
        using var model = TinyLlama.Create(TinyLlama.Config());
        model.to(ScalarType.BFloat16);
        using var adapter = model.CreateAdapter();
        model.ActiveAdapter = adapter;
        var tokens = tensor(new[] { false, true, true, true, true, true }, 2, 3);
        var hidden = model.Hidden(tensor(new long[] { 9, 3, 18, 1, 2, 3 }, 2, 3), tokens: tokens);
        hidden.to_type(ScalarType.Float32).square().mean().backward();
        Assert.All(adapter.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>()));
    }
}
