using System.Text;
using LoraGen.Transformers.Tokenizers.Files;
using Microsoft.ML.Tokenizers;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>BERT's model: the longest token that begins a word, then the longest that continues it.</summary>
internal sealed class WordPieceModel : TokenModel
{
    private readonly WordPieceTokenizer _wordPiece;

    /// <param name="vocabulary">Token to id; the ids have no gaps.</param>
    /// <param name="unknown">Token of a word that cannot be spelt.</param>
    /// <param name="prefix">What a token that continues a word begins with.</param>
    /// <param name="maxWord">The longest word, in UTF-16 units, that is not unknown.</param>
    public WordPieceModel(IReadOnlyDictionary<string, int> vocabulary, string unknown, string prefix, int maxWord)
        : base(vocabulary)
    {
        using var lines = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', vocabulary.OrderBy(pair => pair.Value).Select(pair => pair.Key))));
        _wordPiece = WordPieceTokenizer.Create(lines, new WordPieceOptions { UnknownToken = unknown, ContinuingSubwordPrefix = prefix, MaxInputCharsPerWord = maxWord });
    }

    public static new WordPieceModel Read(JsonPart part)
    {
        var vocabulary = ReadVocabulary(part["vocab"]);
        var unknown = part["unk_token"];
        if (!vocabulary.ContainsKey(unknown.Text))
        {
            throw unknown.Refusal("a token of model.vocab");
        }

        if (!vocabulary.Values.Order().SequenceEqual(Enumerable.Range(0, vocabulary.Count)))
        {
            throw new LoraException($"{part.File}: {part.Key}.vocab: expected the ids 0 to {vocabulary.Count - 1}, each once, found others.");
        }

        return new(vocabulary, unknown.Text, part["continuing_subword_prefix"].TextOr("##"), part["max_input_chars_per_word"] is { IsNull: false } longest ? longest.Number : 100);
    }

    public override void Encode(string word, List<int> ids)
        => ids.AddRange(_wordPiece.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
}
