using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Generation;

/// <summary>
/// What is done to the scores [batch, vocab] of the next token, each step a function of its own. The result belongs to the dispose scope
/// around the call.
/// </summary>
internal static class LogitsProcessors
{
    /// <summary>Divides the scores of tokens that a row already has by the penalty where they are positive, and multiplies the others (arXiv 1909.05858).</summary>
    public static Tensor RepetitionPenalty(Tensor scores, IReadOnlyList<IReadOnlyList<int>> rows, double penalty)
    {
        using var scope = NewDisposeScope();
        var distinct = rows.Select(row => row.Distinct().ToArray()).ToArray();
        var width = distinct.Max(row => row.Length);

        // A shorter row names its first token again, which gets the same score again.
        var index = tensor([.. distinct.SelectMany(row => Enumerable.Range(0, width).Select(i => (long)row[i < row.Length ? i : 0]))], [rows.Count, width], device: scores.device);
        var seen = scores.gather(1, index);
        return scores.scatter(1, index, where(seen < 0, seen * penalty, seen / penalty)).MoveToOuterDisposeScope();
    }

    /// <summary>Forbids each token that would end a sequence of <paramref name="size"/> tokens that the row already has.</summary>
    public static Tensor NoRepeatNgrams(Tensor scores, IReadOnlyList<IReadOnlyList<int>> rows, int size)
    {
        using var scope = NewDisposeScope();
        var vocabulary = scores.shape[1];
        var banned = rows.SelectMany((row, number) => Banned(row, size).Select(id => number * vocabulary + id)).ToArray();
        return banned.Length == 0
            ? scores.alias().MoveToOuterDisposeScope()
            : scores.reshape(-1).index_fill(0, tensor(banned, device: scores.device), double.NegativeInfinity).reshape(scores.shape).MoveToOuterDisposeScope();
    }

    /// <summary>Divides all scores.</summary>
    public static Tensor Temperature(Tensor scores, double temperature) => scores / temperature;

    /// <summary>Forbids all but the <paramref name="k"/> likeliest tokens, and those as likely as the last of them.</summary>
    public static Tensor TopK(Tensor scores, int k)
    {
        using var scope = NewDisposeScope();
        var (best, _) = scores.topk((int)Math.Min(k, scores.shape[1]));
        return scores.masked_fill(scores < best.narrow(1, best.shape[1] - 1, 1), double.NegativeInfinity).MoveToOuterDisposeScope();
    }

    /// <summary>Forbids all but the fewest likeliest tokens whose probabilities reach the sum <paramref name="p"/> (arXiv 1904.09751).</summary>
    public static Tensor TopP(Tensor scores, double p)
    {
        using var scope = NewDisposeScope();
        var (sorted, order) = scores.sort(-1);
        var removed = sorted.softmax(-1).cumsum(-1) <= 1 - p;

        // The likeliest stays, whatever p is.
        removed.narrow(1, scores.shape[1] - 1, 1).fill_(false);
        return scores.masked_fill(removed.scatter(1, order, removed), double.NegativeInfinity).MoveToOuterDisposeScope();
    }

    private static IEnumerable<int> Banned(IReadOnlyList<int> row, int size)
    {
        var prefix = row.Skip(row.Count - size + 1).ToArray();
        for (var end = size - 1; end < row.Count; end++)
        {
            var start = end - size + 1;
            if (Enumerable.Range(0, prefix.Length).All(i => row[start + i] == prefix[i]))
            {
                yield return row[end];
            }
        }
    }
}
