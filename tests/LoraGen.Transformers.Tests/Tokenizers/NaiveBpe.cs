using System.Text;
using System.Text.RegularExpressions;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>Byte-level BPE learnt and applied by counting everything anew at each step; slow, short, and without the library's code.</summary>
internal static class NaiveBpe
{
    /// <summary>The merges of a corpus: the most frequent pair first, then the pair whose left and then right token is older.</summary>
    public static (List<string> Tokens, List<(string Left, string Right)> Merges) Train(IEnumerable<string> texts, Regex split, IEnumerable<string> special, int size)
    {
        var tokens = special.Concat(Alphabet().Order().Select(c => c.ToString())).ToList();
        var merges = new List<(string Left, string Right)>();
        var words = texts.SelectMany(text => split.Matches(text)).Select(match => Characters(match.Value)).ToList();
        while (tokens.Count < size)
        {
            var counts = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair).ToList();
            if (counts.Count == 0)
                break;
            var best = counts
                .OrderByDescending(group => group.Count())
                .ThenBy(group => tokens.IndexOf(group.Key.First))
                .ThenBy(group => tokens.IndexOf(group.Key.Second))
                .First().Key;
            merges.Add(best);
            tokens.Add(best.First + best.Second);
            words = [.. words.Select(word => Merge(word, best))];
        }

        return (tokens, merges);
    }

    /// <summary>The tokens of a text: in each word, the oldest merge that applies is applied, until none does.</summary>
    public static List<string> Encode(string text, Regex split, IReadOnlyList<(string Left, string Right)> merges)
        => Encode(text, split, merges.Select((merge, rank) => (merge, rank)).ToDictionary(pair => pair.merge, pair => pair.rank));

    public static List<string> Encode(string text, Regex split, IReadOnlyDictionary<(string Left, string Right), int> ranks)
    {
        var result = new List<string>();
        foreach (Match match in split.Matches(text))
        {
            var word = Characters(match.Value);
            while (word.Zip(word.Skip(1)).Where(ranks.ContainsKey).ToList() is { Count: > 0 } possible)
            {
                word = Merge(word, possible.MinBy(pair => ranks[pair]));
            }

            result.AddRange(word);
        }

        return result;
    }

    // GPT-2's alphabet: the printable bytes of Latin-1 are themselves, all others follow from U+0100 on in their order.
    private static char[] Alphabet()
    {
        var result = Enumerable.Range(0, 256).Select(b => (char)b).ToArray();
        var others = result.Where(c => c is not (>= '!' and <= '~' or >= '¡' and <= '¬' or >= '®' and <= 'ÿ')).ToArray();
        for (var i = 0; i < others.Length; i++)
        {
            result[others[i]] = (char)(256 + i);
        }

        return result;
    }

    private static List<string> Characters(string word)
    {
        var alphabet = Alphabet();
        return [.. Encoding.UTF8.GetBytes(word).Select(b => alphabet[b].ToString())];
    }

    private static List<string> Merge(List<string> word, (string Left, string Right) pair)
    {
        var result = new List<string>();
        for (var i = 0; i < word.Count; i++)
        {
            if (i + 1 < word.Count && (word[i], word[i + 1]) == pair)
                result.Add(word[i] + word[++i]);
            else
                result.Add(word[i]);
        }

        return result;
    }
}
