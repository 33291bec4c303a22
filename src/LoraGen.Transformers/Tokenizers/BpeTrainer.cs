using System.Text.RegularExpressions;

namespace LoraGen.Transformers.Tokenizers;

/// <summary>Learns a byte-level BPE vocabulary: the most frequent pair of neighbours becomes a token, again and again (arXiv 1508.07909).</summary>
public static class BpeTrainer
{
    // The count of a pair that spells a special token: text must not yield that token. No corpus is large enough to lift it above 0.
    private const long NeverMerged = long.MinValue / 2;

    private sealed class Word(int[] symbols, long count)
    {
        public int[] Symbols = symbols;
        public readonly long Count = count;
    }

    /// <summary>Learns a vocabulary from texts.</summary>
    /// <param name="texts">The corpus.</param>
    /// <param name="split">Cuts a text into words; no token crosses a cut.</param>
    /// <param name="specialTokens">Tokens that never come from text; they take the first ids.</param>
    /// <param name="vocabularySize">Number of tokens in all, special ones and the 256 bytes included.</param>
    /// <returns>Token to id, and the merges in the order learnt; ties go to the pair that sorts first, so that the result is reproducible.</returns>
    public static (IReadOnlyDictionary<string, int> Vocabulary, IReadOnlyList<(string Left, string Right)> Merges) Train(
        IEnumerable<string> texts, Regex split, IReadOnlyList<string> specialTokens, int vocabularySize)
    {
        var tokens = specialTokens.Concat(ByteLevelAlphabet.Ordered.Select(c => c.ToString())).ToList();
        var ids = tokens.Select((token, id) => (token, id)).ToDictionary(pair => pair.token, pair => pair.id);
        var words = Words(texts, split, ids);
        var merges = new List<(string, string)>();
        var (counts, places) = CountPairs(words);

        while (tokens.Count < vocabularySize && counts.Count > 0)
        {
            var (best, count) = counts.MaxBy(pair => (pair.Value, -pair.Key.Left, -pair.Key.Right));
            if (count <= 0)
            {
                break;
            }

            if (specialTokens.Contains(tokens[best.Left] + tokens[best.Right]))
            {
                counts[best] = NeverMerged;
                continue;
            }

            merges.Add((tokens[best.Left], tokens[best.Right]));
            ids[tokens[best.Left] + tokens[best.Right]] = tokens.Count;
            tokens.Add(tokens[best.Left] + tokens[best.Right]);
            foreach (var word in places[best].ToList())
            {
                Count(word, -1);
                word.Symbols = Merge(word.Symbols, best, tokens.Count - 1);
                Count(word, +1);
            }
        }

        return (ids, merges);

        void Count(Word word, int sign)
        {
            foreach (var pair in word.Symbols.Zip(word.Symbols.Skip(1)))
            {
                Adjust(counts, places, pair, word, sign);
            }
        }
    }

    private static List<Word> Words(IEnumerable<string> texts, Regex split, Dictionary<string, int> ids)
    {
        var counts = new Dictionary<string, long>();
        foreach (var text in texts)
        {
            foreach (var match in split.EnumerateMatches(text))
            {
                var word = text.Substring(match.Index, match.Length);
                counts[word] = counts.GetValueOrDefault(word) + 1;
            }
        }

        return [.. counts
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => new Word([.. ByteLevelAlphabet.Encode(pair.Key).Select(c => ids[c.ToString()])], pair.Value))];
    }

    private static (Dictionary<(int Left, int Right), long> Counts, Dictionary<(int, int), HashSet<Word>> Places) CountPairs(List<Word> words)
    {
        var counts = new Dictionary<(int, int), long>();
        var places = new Dictionary<(int, int), HashSet<Word>>();
        foreach (var word in words)
        {
            foreach (var pair in word.Symbols.Zip(word.Symbols.Skip(1)))
            {
                Adjust(counts, places, pair, word, +1);
            }
        }

        return (counts, places);
    }

    private static void Adjust(
        Dictionary<(int, int), long> counts, Dictionary<(int, int), HashSet<Word>> places, (int, int) pair, Word word, int sign)
    {
        var count = counts.GetValueOrDefault(pair) + sign * word.Count;
        if (count == 0)
        {
            counts.Remove(pair);
        }
        else
        {
            counts[pair] = count;
        }

        if (sign < 0)
        {
            places[pair].Remove(word);
        }
        else if (places.TryGetValue(pair, out var holders))
        {
            holders.Add(word);
        }
        else
        {
            places[pair] = [word];
        }
    }

    private static int[] Merge(int[] symbols, (int Left, int Right) pair, int merged)
    {
        var result = new List<int>(symbols.Length);
        for (var i = 0; i < symbols.Length; i++)
        {
            var hit = i + 1 < symbols.Length && symbols[i] == pair.Left && symbols[i + 1] == pair.Right;
            result.Add(hit ? merged : symbols[i]);
            i += hit ? 1 : 0;
        }

        return [.. result];
    }
}
