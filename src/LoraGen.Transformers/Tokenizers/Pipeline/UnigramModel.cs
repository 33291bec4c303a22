using System.Text;
using LoraGen.Transformers.Tokenizers.Files;
using Microsoft.ML.Tokenizers;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>SentencePiece's Unigram: the likeliest way to spell a word. The text comes to it normalized, with visible spaces.</summary>
internal sealed class UnigramModel(SentencePieceFile file) : TokenModel(file.Ids)
{
    private readonly SentencePieceTokenizer _tokenizer = Create(file with { ByteFallback = false });
    private readonly int[]? _bytes = file.ByteFallback ? ByteIds(file.Ids) : null;

    public static new UnigramModel Read(JsonPart part)
    {
        var fallback = part["byte_fallback"].Flag(absent: false);
        var unknown = part["unk_id"].Number;
        var pieces = part["vocab"].Items.Select((item, id) => item.Items.ToList() is [{ IsText: true } text, var score]
            ? new SentencePieceFile.Piece(text.Text, (float)score.Real, id == unknown ? SentencePieceFile.PieceType.Unknown : SentencePieceFile.PieceType.Normal)
            : throw item.Refusal("a token and its score")).ToList();
        return unknown >= 0 && unknown < pieces.Count
            ? new(new SentencePieceFile { Pieces = pieces, ByteFallback = fallback, UnknownId = unknown })
            : throw part["unk_id"].Refusal("the id of a token of model.vocab");
    }

    // The library gives each unknown character a token, Hugging Face one to all that stand together in a word; and the library looks for
    // the bytes to fall back on at fixed places of the vocabulary.
    public override void Encode(string word, List<int> ids)
    {
        var tokens = _tokenizer.EncodeToTokens(word, out _, addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: false, considerNormalization: false);
        for (var i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Id != file.UnknownId)
            {
                ids.Add(tokens[i].Id);
                continue;
            }

            var start = tokens[i].Offset.Start;
            while (i + 1 < tokens.Count && tokens[i + 1].Id == file.UnknownId)
            {
                i++;
            }

            AddUnknown(word[start..tokens[i].Offset.End], ids);
        }
    }

    private void AddUnknown(string text, List<int> ids)
    {
        if (_bytes is null)
        {
            ids.Add(file.UnknownId);
            return;
        }

        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            ids.Add(_bytes[value]);
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
