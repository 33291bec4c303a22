using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>Turns one word into ids. The algorithms are Microsoft.ML.Tokenizers'.</summary>
internal abstract class TokenModel(IReadOnlyDictionary<string, int> vocabulary)
{
    public IReadOnlyDictionary<string, int> Vocabulary => vocabulary;

    public abstract void Encode(string word, List<int> ids);

    /// <summary>What tokenizer.json's <c>model</c> asks for.</summary>
    /// <exception cref="LoraException">The file asks for a model that is not implemented, or the model is malformed.</exception>
    public static TokenModel Read(JsonPart part)
    {
        // The oldest files do not name the one kind that there was.
        return part["type"].IsNull && !part["merges"].IsNull ? BpeModel.Read(part) : part.Type switch
        {
            "BPE" => BpeModel.Read(part),
            "WordPiece" => WordPieceModel.Read(part),
            "Unigram" => UnigramModel.Read(part),
            _ => throw part["type"].Refusal("BPE, WordPiece or Unigram"),
        };
    }

    public static Dictionary<string, int> ReadVocabulary(JsonPart part)
    {
        var vocabulary = new Dictionary<string, int>();
        foreach (var (token, id) in part.Members)
        {
            vocabulary[token] = id.Number is >= 0 and < int.MaxValue ? id.Number : throw id.Refusal("an id of 0 or more");
        }

        return vocabulary.Count > 0 ? vocabulary : throw part.Refusal("a vocabulary that is not empty");
    }

    /// <summary>The ids of the 256 tokens that stand for bytes, or null where one is missing.</summary>
    protected static int[]? ByteIds(IReadOnlyDictionary<string, int> vocabulary)
    {
        var ids = Enumerable.Range(0, 256).Select(value => vocabulary.GetValueOrDefault($"<0x{value:X2}>", -1)).ToArray();
        return ids.Contains(-1) ? null : ids;
    }

    protected static void RequireAbsent(JsonPart part)
    {
        if (!part.IsNull && !(part.IsText && part.Text.Length == 0))
        {
            throw part.Refusal("null");
        }
    }
}
