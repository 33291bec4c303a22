using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>Logits equal those of the float64 loops.</summary>
public sealed class ForwardTests
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11, 2, 5];

    [Theory]
    [InlineData(true, 4, 2)]
    [InlineData(false, 4, 2)]
    [InlineData(true, 4, 1)]
    [InlineData(true, 4, 4)]
    [InlineData(false, 6, 3)]
    public void For_tied_and_untied_heads_and_any_grouping(bool tied, int heads, int keyValueHeads)
    {
        using var model = TinyLlama.Create(TinyLlama.Config(tied, heads, keyValueHeads));
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);

        var found = TinyLlama.Logits(model, ids);

        foreach (var (expected, logits) in new NaiveLlama(model).Logits(Ids).Zip(found))
        {
            TinyLlama.AssertClose(expected, logits);
        }
    }

    [Fact]
    public void For_another_rotary_base()
    {
        using var model = TinyLlama.Create(TinyLlama.Config() with { RopeTheta = 500 });
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);
        TinyLlama.AssertClose(new NaiveLlama(model).Logits(Ids)[^1], TinyLlama.Logits(model, ids)[^1]);
    }

    // What attention computes in training, where gradients flow, is what it computes at inference.
    [Fact]
    public void With_gradients_as_without()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);
        using var logits = model.call(ids);
        Assert.True(logits.requires_grad);
        TinyLlama.AssertClose(new NaiveLlama(model).Logits(Ids)[^1], TinyLlama.Rows(logits)[^1]);
    }

    [Fact]
    public void For_each_row_of_a_batch_by_itself()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var batch = tensor(new long[] { 3, 18, 0, 7, 1, 2, 3, 4 }, 2, 4);
        using var inference = no_grad();
        using var logits = model.call(batch);
        var (rows, naive) = (TinyLlama.Rows(logits), new NaiveLlama(model));
        TinyLlama.AssertClose(naive.Logits([3, 18, 0, 7])[3], rows[3]);
        TinyLlama.AssertClose(naive.Logits([1, 2, 3, 4])[3], rows[7]);
    }

    // The table of angles is made once for a dtype; a model that changes its dtype needs another.
    [Fact]
    public void In_fp32_after_the_model_was_in_bf16()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);
        model.to(ScalarType.BFloat16);
        TinyLlama.Logits(model, ids);
        model.to(ScalarType.Float32);
        TinyLlama.AssertClose(new NaiveLlama(model).Logits(Ids)[^1], TinyLlama.Logits(model, ids)[^1]);
    }

    // Twelve rounded results one after the other, each within 2^-8 of its sizes.
    [Fact]
    public void In_bf16_within_its_precision()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        model.to(ScalarType.BFloat16);
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);
        var expected = new NaiveLlama(model).Logits(Ids);
        var size = expected.SelectMany(logits => logits).Max(Math.Abs);
        foreach (var (wanted, found) in expected.Zip(TinyLlama.Logits(model, ids)))
        {
            Assert.All(wanted.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance: 12 * Math.ScaleB(size, -8)));
        }
    }

    [Fact]
    public void A_sequence_longer_than_the_table_is_refused()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var longest = zeros(1, 32, ScalarType.Int64);
        using var longer = zeros(1, 33, ScalarType.Int64);
        model.call(longest).Dispose();
        var refusal = Assert.Throws<LoraException>(() => model.call(longer));
        Assert.Contains("33", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("max_position_embeddings = 32", refusal.Message, StringComparison.Ordinal);
    }
}
