using System.Text;
using LoraGen.Transformers.Tokenizers.Files;
using Microsoft.ML.Tokenizers;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>Byte-pair encoding over characters; with ByteLevel before it, each of them stands for a byte.</summary>
internal sealed class BpeModel : TokenModel
{
    // The library's time grows with the square of a word's length, and some models take a whole text for one word.
    private const int LongWord = 64;

    private readonly BpeTokenizer _bpe;
    private readonly HashSet<(char, char)> _neighbours;
    private readonly int[]? _bytes;
    private readonly bool _ignoreMerges;

    /// <param name="vocabulary">Token to id.</param>
    /// <param name="merges">Pairs of tokens in one string, separated by a space; the first come first.</param>
    /// <param name="unknown">Token of a character that is not in the vocabulary; null leaves such a character out.</param>
    /// <param name="fuseUnknown">Whether unknown neighbours make one token.</param>
    /// <param name="byteFallback">Whether an unknown character becomes the tokens of its bytes.</param>
    /// <param name="ignoreMerges">Whether a word that is in the vocabulary is that token, even where no merges lead there.</param>
    /// <exception cref="ArgumentException">The merges name a token that is not in the vocabulary.</exception>
    public BpeModel(
        IReadOnlyDictionary<string, int> vocabulary,
        IReadOnlyList<string> merges,
        string? unknown = null,
        bool fuseUnknown = false,
        bool byteFallback = false,
        bool ignoreMerges = false)
        : base(vocabulary)
    {
        try
        {
            _bpe = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = merges, UnknownToken = unknown, FuseUnknownTokens = fuseUnknown });
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException)
        {
            throw new ArgumentException(e.Message, e);
        }

        _neighbours = [.. vocabulary.Keys.SelectMany(token => token.Zip(token.Skip(1)))];
        _bytes = byteFallback ? ByteIds(vocabulary) : null;
        _ignoreMerges = ignoreMerges;
    }

    public static new BpeModel Read(JsonPart part)
    {
        var dropout = part["dropout"];
        if (!dropout.IsNull && dropout.Real != 0)
        {
            throw dropout.Refusal("null");
        }

        RequireAbsent(part["continuing_subword_prefix"]);
        RequireAbsent(part["end_of_word_suffix"]);
        var vocabulary = ReadVocabulary(part["vocab"]);
        var merges = part["merges"].Items.Select(Merge).ToList();
        var unknown = part["unk_token"];
        if (!unknown.IsNull && !vocabulary.ContainsKey(unknown.Text))
        {
            throw unknown.Refusal("a token of model.vocab");
        }

        try
        {
            return new(
                vocabulary,
                merges,
                unknown.IsNull ? null : unknown.Text,
                part["fuse_unk"].Flag(absent: false),
                part["byte_fallback"].Flag(absent: false),
                part["ignore_merges"].Flag(absent: false));
        }
        catch (ArgumentException e)
        {
            throw new LoraException($"{part.File}: {part.Key}.merges: expected pairs of tokens of model.vocab: {e.Message}", e);
        }
    }

    public override void Encode(string word, List<int> ids)
    {
        if (_ignoreMerges && Vocabulary.TryGetValue(word, out var whole))
        {
            ids.Add(whole);
            return;
        }

        if (_bytes is null)
        {
            Merge(word, ids);
            return;
        }

        // No merge reaches over an unknown character, so that each run of known ones is a word by itself.
        var (start, index) = (0, 0);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in word.EnumerateRunes())
        {
            var end = index + rune.Utf16SequenceLength;
            if (!Vocabulary.ContainsKey(word[index..end]))
            {
                Merge(word[start..index], ids);
                foreach (var value in utf8[..rune.EncodeToUtf8(utf8)])
                {
                    ids.Add(_bytes[value]);
                }

                start = end;
            }

            index = end;
        }

        Merge(word[start..], ids);
    }

    private void Merge(string word, List<int> ids)
    {
        if (word.Length > LongWord)
        {
            var start = 0;
            for (var end = 1; end < word.Length; end++)
            {
                if (CanCut(word[end - 1], word[end]))
                {
                    Add(word[start..end], ids);
                    start = end;
                }
            }

            word = word[start..];
        }

        Add(word, ids);
    }

    // No merge reaches over two characters that stand side by side in no token. Unknown neighbours may have to become one token.
    private bool CanCut(char left, char right)
        => !_neighbours.Contains((left, right)) && !char.IsSurrogate(left) && !char.IsSurrogate(right) && Vocabulary.ContainsKey(left.ToString());

    private void Add(string word, List<int> ids)
    {
        if (word.Length > 0)
        {
            ids.AddRange(_bpe.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
        }
    }

    // Newer files spell a merge as a pair, older ones as one string.
    private static string Merge(JsonPart part)
    {
        if (part.IsText && part.Text.Count(character => character == ' ') == 1)
        {
            return part.Text;
        }

        return part.IsList && part.Items.ToList() is [{ IsText: true } left, { IsText: true } right] && !left.Text.Contains(' ') && !right.Text.Contains(' ')
            ? $"{left.Text} {right.Text}"
            : throw part.Refusal("two tokens without spaces, as [\"a\", \"b\"] or \"a b\"");
    }
}
