using System.Text.RegularExpressions;

namespace LoraGen.Training.Metrics;

/// <summary>
/// Corpus BLEU-4 (Papineni et al. 2002) with one reference a sentence and no smoothing. Words are runs of letters and digits, and every
/// other visible character is a word of its own; case counts.
/// </summary>
public static partial class Bleu
{
    private const int MaxOrder = 4;

    /// <summary>BLEU in per cent, 0 to 100.</summary>
    /// <param name="pairs">Candidate and reference of each sentence.</param>
    public static double Corpus(IEnumerable<(string Candidate, string Reference)> pairs)
    {
        var (matches, totals) = (new long[MaxOrder], new long[MaxOrder]);
        var (candidateLength, referenceLength) = (0L, 0L);
        foreach (var (candidate, reference) in pairs)
        {
            var (candidateWords, referenceWords) = (Words(candidate), Words(reference));
            candidateLength += candidateWords.Length;
            referenceLength += referenceWords.Length;
            for (var order = 1; order <= MaxOrder; order++)
            {
                var available = Ngrams(referenceWords, order);
                foreach (var (ngram, count) in Ngrams(candidateWords, order))
                {
                    matches[order - 1] += Math.Min(count, available.GetValueOrDefault(ngram));
                    totals[order - 1] += count;
                }
            }
        }

        if (matches.Contains(0))
        {
            return 0;
        }

        var brevity = candidateLength >= referenceLength ? 0 : 1 - (double)referenceLength / candidateLength;
        return 100 * Math.Exp(brevity + matches.Zip(totals, (match, total) => Math.Log((double)match / total)).Average());
    }

    private static string[] Words(string text) => [.. Word().Matches(text).Select(match => match.Value)];

    private static Dictionary<string, int> Ngrams(string[] words, int order)
    {
        var counts = new Dictionary<string, int>();
        for (var start = 0; start + order <= words.Length; start++)
        {
            // No word contains a space, so joining by one is unambiguous.
            var ngram = string.Join(' ', words, start, order);
            counts[ngram] = counts.GetValueOrDefault(ngram) + 1;
        }

        return counts;
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+|[^\s\p{L}\p{N}]", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
