using LoraGen.Transformers.Tokenizers.Files;
using Microsoft.ML.Tokenizers;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>SentencePiece's Unigram: the likeliest way to spell a word. The text comes to it normalized, with visible spaces.</summary>
internal sealed class UnigramModel(SentencePieceFile file) : TokenModel(file.Ids)
{
    private readonly SentencePieceTokenizer _tokenizer = Create(file);

    public static new UnigramModel Read(JsonPart part)
    {
        var fallback = part["byte_fallback"].Flag(absent: false);
        var unknown = part["unk_id"].Number;
        var pieces = part["vocab"].Items.Select((item, id) => item.Items.ToList() is [{ IsText: true } text, var score]
            ? new SentencePieceFile.Piece(text.Text, (float)score.Real, TypeOf(text.Text, id))
            : throw item.Refusal("a token and its score")).ToList();
        return unknown >= 0 && unknown < pieces.Count
            ? new(new SentencePieceFile { Pieces = pieces, ByteFallback = fallback, UnknownId = unknown })
            : throw part["unk_id"].Refusal("the id of a token of model.vocab");

        SentencePieceFile.PieceType TypeOf(string text, int id)
            => id == unknown ? SentencePieceFile.PieceType.Unknown
            : fallback && TokenDecoders.Byte(text) is not null ? SentencePieceFile.PieceType.Byte
            : SentencePieceFile.PieceType.Normal;
    }

    // The library gives each unknown character a token, Hugging Face one to all that stand together in a word.
    public override void Encode(string word, List<int> ids)
    {
        int? last = null;
        foreach (var id in _tokenizer.EncodeToIds(word, addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: false, considerNormalization: false))
        {
            if (id != file.UnknownId || id != last)
            {
                ids.Add(id);
            }

            last = id;
        }
    }

    /// <summary>The normalizer that SentencePiece compiles into a model: a map from sequences of characters to others.</summary>
    public static Func<string, string> Normalizer(byte[] characterMap)
    {
        if (characterMap.Length == 0)
        {
            return Normalizers.Identity;
        }

        var carrier = Create(new SentencePieceFile
        {
            Pieces = [new("<unk>", 0, SentencePieceFile.PieceType.Unknown), new("a", 0, SentencePieceFile.PieceType.Normal)],
            CharacterMap = characterMap,
        });
        return carrier.Normalizer!.Normalize;
    }

    private static SentencePieceTokenizer Create(SentencePieceFile file)
    {
        // Begin and end are nobody's business here, but the library wants pieces for them.
        using var stream = new MemoryStream((file with { BosId = file.UnknownId, EosId = file.UnknownId }).Write());
        return SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
    }
}
