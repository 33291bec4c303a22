using LoraGen.Transformers.Tokenizers.Pipeline;

namespace LoraGen.Transformers.Tokenizers.Files;

/// <summary><c>vocab.txt</c>: BERT's WordPiece, a token on each line, whose number is its id.</summary>
internal static class WordPieceFiles
{
    private const string Vocabulary = "vocab.txt";

    public static bool AreIn(string folder) => File.Exists(Path.Combine(folder, Vocabulary));

    public static TextTokenizer Read(string folder, TokenizerConfig config)
    {
        if (config.Class is not ("BertTokenizer" or "DistilBertTokenizer"))
        {
            throw config.UnknownClass(Vocabulary, "BertTokenizer or DistilBertTokenizer");
        }

        var path = Path.Combine(folder, Vocabulary);
        var vocabulary = new Dictionary<string, int>();
        foreach (var line in File.ReadLines(path))
        {
            if (!vocabulary.TryAdd(line, vocabulary.Count))
            {
                throw new LoraException($"{path}: line {vocabulary.Count + 1}: expected a token that no earlier line has, found {JsonPart.Excerpt(line)}.");
            }
        }

        foreach (var (role, token) in new[] { ("unk_token", "[UNK]"), ("sep_token", "[SEP]"), ("pad_token", "[PAD]"), ("cls_token", "[CLS]"), ("mask_token", "[MASK]") })
        {
            config.Default(role, token);
        }

        var lowercase = config.Flag("do_lower_case", absent: true);
        return config.Tokenizer(
            new WordPieceModel(vocabulary, TokenOf("unk_token"), "##", maxWord: 100),
            config.AddedTokens(),
            BertText.Normalizer(clean: true, config.Flag("tokenize_chinese_chars", absent: true), config.Flag("strip_accents", absent: lowercase), lowercase),
            (text, _) => BertText.Words(text),
            new([vocabulary[TokenOf("cls_token")]], [vocabulary[TokenOf("sep_token")]]),
            TokenDecoders.WordPiece("##", cleanup: true));

        string TokenOf(string role) => config.TokenOf(role) is { } token && vocabulary.ContainsKey(token)
            ? token
            : throw new LoraException($"{path}: {role}: expected the token {config.TokenOf(role)} on a line, found none.");
    }
}
