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

        var model = new SentencePieceModel(file);
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

    private static Func<string, string> Normalizer(SentencePieceFile file)
    {
        var map = SentencePieceModel.Normalizer(file.CharacterMap);
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
