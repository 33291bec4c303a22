namespace LoraGen.Training.Data;

/// <summary>
/// Groups examples of similar length into batches of about equal cost, shuffled anew in every epoch. The order follows from the seed
/// alone, so that a resumed run sees what the uninterrupted one would have seen.
/// </summary>
/// <param name="examples">The training set.</param>
/// <param name="tokensPerBatch">Upper bound of rows times longest row.</param>
/// <param name="seed">Seed of the order.</param>
public sealed class BatchSampler(IReadOnlyList<TokenExample> examples, int tokensPerBatch, int seed)
{
    // Sorting within pools of this many batches keeps rows of like length together without making the order a function of length.
    private const int PoolBatches = 50;

    /// <summary>Batches without end, epoch after epoch.</summary>
    public IEnumerable<IReadOnlyList<TokenExample>> Batches()
    {
        for (var epoch = 0; ; epoch++)
        {
            foreach (var batch in Epoch(epoch))
            {
                yield return batch;
            }
        }
    }

    /// <summary>The batches of one epoch.</summary>
    public IEnumerable<IReadOnlyList<TokenExample>> Epoch(int epoch)
    {
        var random = new Random(HashCode(seed, epoch));
        var order = examples.ToArray();
        random.Shuffle(order);
        var averageLength = Math.Max(1, (int)order.Average(example => example.Tokens.Length));
        var pool = PoolBatches * Math.Max(1, tokensPerBatch / averageLength);
        foreach (var chunk in order.Chunk(pool))
        {
            var batches = Group(chunk).ToArray();
            random.Shuffle(batches);
            foreach (var batch in batches)
            {
                yield return batch;
            }
        }
    }

    private IEnumerable<IReadOnlyList<TokenExample>> Group(TokenExample[] chunk)
    {
        var batch = new List<TokenExample>();
        foreach (var example in chunk.OrderBy(example => example.Tokens.Length))
        {
            if (batch.Count > 0 && (batch.Count + 1) * example.Tokens.Length > tokensPerBatch)
            {
                yield return batch;
                batch = [];
            }

            batch.Add(example);
        }

        yield return batch;
    }

    // System.HashCode is salted per process; the order must be the same in every process.
    private static int HashCode(int seed, int epoch) => unchecked(seed * 1_000_003 + epoch);
}
