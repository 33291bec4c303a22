using LoraGen.Transformers.Tokenizers.Files;
using Microsoft.ML.Tokenizers;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>SentencePiece's two algorithms, Unigram and BPE by scores. The text comes to it normalized, with visible spaces.</summary>
internal sealed class SentencePieceModel(SentencePieceFile file)
    : TokenModel(file.Pieces.Select((piece, id) => (piece.Text, id)).DistinctBy(pair => pair.Text).ToDictionary(pair => pair.Text, pair => pair.id))
{
    private readonly SentencePieceTokenizer _tokenizer = Create(file);

    public static new SentencePieceModel Read(JsonPart part)
    {
        var fallback = part["byte_fallback"].Flag(absent: false);
        var unknown = part["unk_id"].Number;
        var pieces = part["vocab"].Items.Select((item, id) => item.Items.ToList() is [{ IsText: true } text, var score]
            ? new SentencePieceFile.Piece(text.Text, (float)score.Real, TypeOf(text.Text, id))
            : throw item.Refusal("a token and its score")).ToList();
        if (unknown < 0 || unknown >= pieces.Count)
        {
            throw part["unk_id"].Refusal("the id of a token of model.vocab");
        }

        return new(new SentencePieceFile { Pieces = pieces, ByteFallback = fallback, UnknownId = unknown, BosId = -1, EosId = -1 });

        SentencePieceFile.PieceType TypeOf(string text, int id)
            => id == unknown ? SentencePieceFile.PieceType.Unknown
            : fallback && TokenDecoders.Byte(text) is not null ? SentencePieceFile.PieceType.Byte
            : SentencePieceFile.PieceType.Normal;
    }

    public override void Encode(string word, List<int> ids)
        => ids.AddRange(_tokenizer.EncodeToIds(word, addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: false, considerNormalization: false));

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
            BosId = -1,
            EosId = -1,
            CharacterMap = characterMap,
        });
        return carrier.Normalizer!.Normalize;
    }

    private static SentencePieceTokenizer Create(SentencePieceFile file)
    {
        using var stream = new MemoryStream(file.Write());
        return SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
    }
}
