using LoraGen.Training.Data;

namespace LoraGen.Training.Tests;

public class BatchSamplerTests
{
    private const int TokensPerBatch = 64;

    private static readonly TokenExample[] Examples =
        [.. Enumerable.Range(0, 500).Select(i => new TokenExample([.. Enumerable.Repeat(i, 2 + i * 7 % 30)], 1))];

    [Fact]
    public void An_epoch_holds_every_example_once()
    {
        var seen = new BatchSampler(Examples, TokensPerBatch, 1).Epoch(0).SelectMany(batch => batch).ToList();
        Assert.Equal(Examples.Length, seen.Count);
        Assert.Equal(Examples.ToHashSet(), seen.ToHashSet());
    }

    [Fact]
    public void No_batch_exceeds_its_tokens_with_padding()
        => Assert.All(
            new BatchSampler(Examples, TokensPerBatch, 1).Epoch(0),
            batch => Assert.InRange(batch.Count * batch.Max(example => example.Tokens.Length), 1, TokensPerBatch));

    [Fact]
    public void A_longer_example_than_the_budget_is_a_batch_of_its_own()
    {
        var longOne = new TokenExample(new int[100], 1);
        var batches = new BatchSampler([.. Examples, longOne], TokensPerBatch, 1).Epoch(0);
        Assert.Contains(batches, batch => batch.Count == 1 && ReferenceEquals(batch[0], longOne));
    }

    [Fact]
    public void The_seed_decides_the_order()
    {
        Assert.Equal(Order(seed: 1, epoch: 3), Order(seed: 1, epoch: 3));
        Assert.NotEqual(Order(seed: 1, epoch: 3), Order(seed: 2, epoch: 3));
        Assert.NotEqual(Order(seed: 1, epoch: 3), Order(seed: 1, epoch: 4));

        static int[] Order(int seed, int epoch)
            => [.. new BatchSampler(Examples, TokensPerBatch, seed).Epoch(epoch).SelectMany(batch => batch).Select(example => example.Tokens[0])];
    }

    [Fact]
    public void Batches_go_on_after_the_first_epoch()
    {
        var epoch = new BatchSampler(Examples, TokensPerBatch, 1).Epoch(0).Count();
        Assert.Equal(3 * epoch / 2, new BatchSampler(Examples, TokensPerBatch, 1).Batches().Take(3 * epoch / 2).Count());
    }

    [Fact]
    public void A_batch_predicts_the_next_token_after_the_prompt_and_nothing_else()
    {
        using var batch = TokenBatch.Of([new TokenExample([10, 11, 12, 13], 2), new TokenExample([20, 21], 1)], paddingId: 9);
        Assert.Equal([10, 11, 12, 20, 9, 9], batch.Ids.data<long>().ToArray());
        Assert.Equal([-100, 12, 13, 21, -100, -100], batch.Labels.data<long>().ToArray());
        Assert.Equal(4, batch.TokenCount);
    }
}
