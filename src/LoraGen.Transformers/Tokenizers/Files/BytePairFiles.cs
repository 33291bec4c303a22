using System.Text.RegularExpressions;
using LoraGen.Transformers.Tokenizers.Pipeline;

namespace LoraGen.Transformers.Tokenizers.Files;

/// <summary>
/// <c>vocab.json</c> and <c>merges.txt</c>: a byte-level BPE. How a text is cut into words, and what is put around it, only the class says.
/// </summary>
internal static partial class BytePairFiles
{
    private const string Vocabulary = "vocab.json";
    private const string Merges = "merges.txt";

    public static bool AreIn(string folder) => File.Exists(Path.Combine(folder, Vocabulary)) && File.Exists(Path.Combine(folder, Merges));

    public static TextTokenizer Read(string folder, TokenizerConfig config)
    {
        var vocabulary = TokenModel.ReadVocabulary(JsonPart.Read(Path.Combine(folder, Vocabulary)));
        var (normalize, words) = ((Func<string, string>)Normalizers.Identity, SplitPattern.Gpt2);
        switch (config.Class)
        {
            case "GPT2Tokenizer":
                Defaults(config, "<|endoftext|>", "bos_token", "eos_token", "unk_token");
                break;
            case "RobertaTokenizer":
                Defaults(config, "<s>", "bos_token", "cls_token");
                Defaults(config, "</s>", "eos_token", "sep_token");
                Defaults(config, "<pad>", "pad_token");
                Defaults(config, "<unk>", "unk_token");
                Defaults(config, "<mask>", "mask_token");
                break;
            case "Qwen2Tokenizer":
                Defaults(config, "<|endoftext|>", "eos_token", "pad_token", "unk_token");
                (normalize, words) = (text => Normalizers.Unicode(text, System.Text.NormalizationForm.FormC), new SplitPattern(Qwen2Words(), "Isolated"));
                break;
            default:
                throw config.UnknownClass($"{Vocabulary} and {Merges}", "GPT2Tokenizer, RobertaTokenizer or Qwen2Tokenizer");
        }

        var added = config.AddedTokens().ToList();
        var ids = added.Select(token => KeyValuePair.Create(token.Content, token.Id)).Concat(vocabulary).DistinctBy(pair => pair.Key).ToDictionary();
        if (config.Class == "RobertaTokenizer" && config.TokenOf("mask_token") is { } mask && ids.TryGetValue(mask, out var maskId) && added.All(token => token.Content != mask))
        {
            // A mask stands for a word with the space before it.
            added.Add(new(mask, maskId, LeftStrip: true));
        }

        return config.Tokenizer(
            new BpeModel(vocabulary, ReadMerges(Path.Combine(folder, Merges), vocabulary)),
            added,
            normalize,
            PreTokenizers.ByteLevel(config.Flag("add_prefix_space", absent: false), words),
            Template(),
            TokenDecoders.ByteLevel);

        SpecialTemplate Template() => config.Class == "RobertaTokenizer"
            ? new([IdOf("cls_token")], [IdOf("sep_token")])
            : config.Flag("add_bos_token", absent: false) ? new([IdOf("bos_token")], []) : SpecialTemplate.Nothing;

        int IdOf(string role) => config.TokenOf(role) is { } token && ids.TryGetValue(token, out var id)
            ? id
            : throw new LoraException($"{folder}: {role}: expected a token of {Vocabulary}, found {config.TokenOf(role) ?? "nothing"}.");
    }

    private static void Defaults(TokenizerConfig config, string token, params ReadOnlySpan<string> roles)
    {
        foreach (var role in roles)
        {
            config.Default(role, token);
        }
    }

    private static List<string> ReadMerges(string path, Dictionary<string, int> vocabulary)
    {
        var merges = new List<string>();
        foreach (var (line, number) in File.ReadLines(path).Select((line, index) => (line, index + 1)))
        {
            if (line.Length == 0 || (number == 1 && line.StartsWith("#version", StringComparison.Ordinal)))
            {
                continue;
            }

            merges.Add(line.Split(' ') is [var left, var right] && vocabulary.ContainsKey(left) && vocabulary.ContainsKey(right) && vocabulary.ContainsKey(left + right)
                ? line
                : throw new LoraException($"{path}: line {number}: expected two tokens of {Vocabulary} that make a third, found {JsonPart.Excerpt(line)}."));
        }

        return merges;
    }

    [GeneratedRegex(@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Qwen2Words();
}
