using System.Text.RegularExpressions;
using LoraGen.Transformers.Tokenizers.Pipeline;

namespace LoraGen.Transformers.Tokenizers.Files;

/// <summary><c>tokenizer.model</c>: a SentencePiece model, as Llama, Mistral and Gemma have it.</summary>
internal static partial class SentencePieceFiles
{
    private const string Model = "tokenizer.model";

    public static bool AreIn(string folder) => File.Exists(Path.Combine(folder, Model));

    public static TextTokenizer Read(string folder, TokenizerConfig config)
    {
        // Others move the ids about, as XLM-RoBERTa does.
        if (config.Class is not ("LlamaTokenizer" or "CodeLlamaTokenizer" or "GemmaTokenizer"))
        {
            throw config.UnknownClass(Model, "LlamaTokenizer, CodeLlamaTokenizer or GemmaTokenizer");
        }

        var path = Path.Combine(folder, Model);
        var file = SentencePieceFile.Read(path);
        if (file.SpaceAsSuffix)
        {
            throw new LoraException($"{path}: trainer_spec.treat_whitespace_as_suffix: expected false, found true.");
        }

        foreach (var (role, id) in new[] { ("unk_token", file.UnknownId), ("bos_token", file.BosId), ("eos_token", file.EosId), ("pad_token", file.PadId) })
        {
            if (id >= 0 && id < file.Pieces.Count)
            {
                config.Default(role, file.Pieces[id].Text);
            }
        }

        TokenModel model = file.Model == SentencePieceFile.ModelType.Unigram
            ? new UnigramModel(file)
            : new BpeModel(file.Ids, Merges(file), file.Pieces[file.UnknownId].Text, fuseUnknown: true, file.ByteFallback);
        var added = file.Pieces
            .Select((piece, id) => (piece, id))
            .Where(pair => pair.piece.Type is SentencePieceFile.PieceType.Control or SentencePieceFile.PieceType.UserDefined)
            .Select(pair => new AddedToken(pair.piece.Text, pair.id, Special: pair.piece.Type == SentencePieceFile.PieceType.Control));
        return config.Tokenizer(
            model,
            config.AddedTokens().Concat(added).DistinctBy(token => token.Content),
            Normalizer(file),
            Words(file.AddDummyPrefix, everywhere: config.Flag("legacy", absent: true)),
            new(
                config.Flag("add_bos_token", absent: true) ? [IdOf("bos_token")] : [],
                config.Flag("add_eos_token", absent: false) ? [IdOf("eos_token")] : []),
            TokenDecoders.SentencePiece(strip: file.AddDummyPrefix));

        int IdOf(string role) => config.TokenOf(role) is { } token && model.Vocabulary.TryGetValue(token, out var id)
            ? id
            : throw new LoraException($"{path}: {role}: expected a piece of the model, found {config.TokenOf(role) ?? "nothing"}.");
    }

    // SentencePiece merges the pair whose piece has the highest score; a list of all such pairs, best first, says the same.
    private static List<string> Merges(SentencePieceFile file)
    {
        var ordinary = file.Pieces.Where(piece => piece.Type is SentencePieceFile.PieceType.Normal or SentencePieceFile.PieceType.UserDefined).ToList();
        var texts = ordinary.Select(piece => piece.Text).Where(text => !text.Contains(' ')).ToHashSet();
        return [.. ordinary
            .SelectMany(piece => Enumerable.Range(1, Math.Max(0, piece.Text.Length - 1))
                .Select(cut => (piece.Score, Left: piece.Text[..cut], Right: piece.Text[cut..]))
                .Where(merge => texts.Contains(merge.Left) && texts.Contains(merge.Right))
                .OrderBy(merge => file.Ids[merge.Left]).ThenBy(merge => file.Ids[merge.Right]))
            .OrderByDescending(merge => merge.Score)
            .Select(merge => $"{merge.Left} {merge.Right}")];
    }

    private static Func<string, string> Normalizer(SentencePieceFile file)
    {
        var map = UnigramModel.Normalizer(file.CharacterMap);
        return file.RemoveExtraWhitespaces ? text => Spaces().Replace(map(text), " ").Trim(' ') : map;
    }

    // The space before a text: before each piece between two added tokens in old classes, before the whole in newer ones.
    private static PreTokenizer Words(bool prefix, bool everywhere) => (text, atStart) =>
    {
        var visible = text.Replace(' ', '\u2581');
        return [prefix && (everywhere || atStart) ? '\u2581' + visible : visible];
    };

    [GeneratedRegex(" {2,}")]
    private static partial Regex Spaces();
}
