using System.Text.Json;
using System.Text.RegularExpressions;
using LoraGen.Tests.Files;
using LoraGen.Tests.RealAdapters;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>The tokenizers of real checkpoints. The ids below are those of Hugging Face's own tokenizers for the same files.</summary>
public sealed class SharedTokenizerTests
{
    // A vocabulary of fifty thousand tokens takes most of a test's time.
    private static readonly Dictionary<string, TextTokenizer> Loaded = [];

    private const string Digits = "I'm can't  WE'LL 123456\n\n\tx";
    private const string Characters = "größer 漢字 😀abc é";
    private const string Special = "a<|endoftext|>b <s> </s>[MASK]x <mask>.";

    [Theory]
    [InlineData("gpt2-vocab", Digits, new[] { 40, 1101, 460, 470, 220, 12887, 6, 3069, 17031, 29228, 628, 197, 87 })]
    [InlineData("gpt2-vocab", Characters, new[] { 2164, 9101, 39683, 263, 10545, 120, 95, 27764, 245, 30325, 222, 39305, 38251 })]
    [InlineData("gpt2-vocab", Special, new[] { 64, 50256, 65, 1279, 82, 29, 7359, 82, 36937, 31180, 42, 60, 87, 1279, 27932, 28401 })]
    [InlineData("adapters/gpt2-causal-cattn-cproj-r8", Special, new[] { 64, 50256, 65, 1279, 82, 29, 7359, 82, 36937, 31180, 42, 60, 87, 1279, 27932, 28401 })]
    [InlineData("adapters/NEG-gpt2-prompt-tuning", Digits, new[] { 40, 1101, 460, 470, 220, 12887, 6, 3069, 17031, 29228, 628, 197, 87 })]
    [InlineData("adapters/bert-base-r8", Digits, new[] { 101, 1045, 1005, 1049, 2064, 1005, 1056, 2057, 1005, 2222, 13138, 19961, 2575, 1060, 102 })]
    [InlineData("adapters/bert-base-r8", Special, new[] { 101, 1037, 1026, 1064, 2203, 15794, 10288, 2102, 1064, 1028, 1038, 1026, 1055, 1028, 1026, 1013, 1055, 1028, 103, 1060, 1026, 7308, 1028, 1012, 102 })]
    [InlineData("adapters/distilbert-emotion", Digits, new[] { 101, 1045, 1005, 1049, 2064, 1005, 1056, 2057, 1005, 2222, 13138, 19961, 2575, 1060, 102 })]
    [InlineData("adapters/opt125m-bf16-r16", Characters, new[] { 2, 6504, 3671, 7804, 254, 47416, 4394, 7258, 48823, 6800, 17841, 7471, 36822, 7935 })]
    [InlineData("adapters/opt125m-bf16-r16", Special, new[] { 2, 102, 41552, 15483, 1397, 1116, 29015, 15483, 15698, 428, 28696, 29, 15698, 1437, 2, 10975, 32804, 530, 742, 1178, 28696, 43776, 48691 })]
    [InlineData("adapters/tinyllama-r4-keywords", Digits, new[] { 1, 306, 29915, 29885, 508, 29915, 29873, 29871, 399, 29923, 29915, 2208, 29871, 29896, 29906, 29941, 29946, 29945, 29953, 13, 13, 12, 29916 })]
    [InlineData("adapters/tinyllama-r4-keywords", Characters, new[] { 1, 13709, 261, 29871, 31652, 30578, 29871, 243, 162, 155, 131, 10736, 904 })]
    [InlineData("adapters/tinyllama-r4-therapist", Special, new[] { 1, 263, 29966, 29989, 355, 974, 726, 29989, 29958, 29890, 29871, 1, 259, 2, 518, 1529, 16033, 29962, 29916, 529, 13168, 15513 })]
    [InlineData("adapters/roberta-r4-alpha96", Characters, new[] { 0, 6504, 3671, 7804, 254, 47416, 4394, 7258, 48823, 6800, 17841, 7471, 36822, 7935, 2 })]
    [InlineData("adapters/roberta-r4-alpha96", Special, new[] { 0, 102, 41552, 15483, 1397, 1116, 29015, 15483, 15698, 428, 1437, 0, 1437, 2, 10975, 32804, 530, 742, 1178, 50264, 4, 2 })]
    public void The_ids_of_a_text(string folder, string text, int[] ids) => Assert.Equal(ids, Load(SharedData.PathOf(folder)).Encode(text));

    [Theory]
    [InlineData("gpt2-vocab")]
    [InlineData("adapters/opt125m-bf16-r16")]
    [InlineData("adapters/roberta-r4-alpha96")]
    [InlineData("adapters/tinyllama-r4-keywords")]
    public void Hundreds_of_real_lines_are_decoded_as_they_were_at_once_and_id_by_id(string folder)
    {
        var tokenizer = Load(SharedData.PathOf(folder));
        foreach (var line in Lines())
        {
            var ids = tokenizer.Encode(line);
            Assert.Equal(line, tokenizer.Decode(ids, skipSpecialTokens: true));
            var decoder = new StreamingDecoder(tokenizer, skipSpecialTokens: true);
            Assert.Equal(line, string.Concat(ids.Select(decoder.Push)) + decoder.Finish());
        }
    }

    // An uncased tokenizer keeps all but case and space.
    [Theory]
    [InlineData("adapters/bert-base-r8")]
    [InlineData("adapters/distilbert-emotion")]
    public void Hundreds_of_real_lines_keep_their_letters(string folder)
    {
        var tokenizer = Load(SharedData.PathOf(folder));
        foreach (var line in Lines().Where(line => System.Text.Ascii.IsValid(line)).Where(line => !line.Contains("do not", StringComparison.OrdinalIgnoreCase)))
        {
            Assert.Equal(Letters(line.ToLowerInvariant()), Letters(tokenizer.Decode(tokenizer.Encode(line), skipSpecialTokens: true)));
        }

        static string Letters(string text) => string.Concat(text.Where(letter => letter is not (' ' or '\t')));
    }

    [Fact]
    public void GPT_2s_ids_are_those_of_the_naive_encoder()
    {
        var folder = SharedData.PathOf("gpt2-vocab");
        var tokenizer = Load(folder);
        var vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(Path.Combine(folder, "vocab.json")))!;
        var ranks = File.ReadLines(Path.Combine(folder, "vocab.bpe")).Skip(1).Where(line => line.Length > 0)
            .Select((line, rank) => (Pair: (line.Split(' ')[0], line.Split(' ')[1]), rank)).ToDictionary(pair => pair.Pair, pair => pair.rank);
        var split = new Regex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");
        foreach (var line in Lines().Append(Digits).Append(Characters))
        {
            Assert.Equal(NaiveBpe.Encode(line, split, ranks).Select(token => vocabulary[token]), tokenizer.Encode(line));
        }
    }

    [Fact]
    public void Llamas_model_file_and_its_tokenizer_json_agree()
    {
        var shared = SharedData.PathOf("adapters/tinyllama-r4-keywords");
        using var folder = new ScratchFolder();
        File.Copy(Path.Combine(shared, "tokenizer.model"), folder.PathOf("tokenizer.model"));
        File.WriteAllText(folder.PathOf("tokenizer_config.json"), "{\"tokenizer_class\": \"LlamaTokenizer\"}");
        var (fromModel, fromJson) = (AutoTokenizer.Load(folder.Path), Load(shared));
        foreach (var line in Lines().Concat([Digits, Characters, "a</s>b <s> c<unk>", new string('x', 100)]))
        {
            Assert.Equal(fromJson.Encode(line), fromModel.Encode(line));
            Assert.Equal(fromJson.Decode(fromJson.Encode(line)), fromModel.Decode(fromJson.Encode(line)));
        }
    }

    [Fact]
    public void Berts_vocabulary_and_its_tokenizer_json_agree()
    {
        var shared = SharedData.PathOf("adapters/bert-base-r8");
        using var folder = new ScratchFolder();
        File.Copy(Path.Combine(shared, "vocab.txt"), folder.PathOf("vocab.txt"));
        File.WriteAllText(folder.PathOf("tokenizer_config.json"), "{\"tokenizer_class\": \"BertTokenizer\"}");
        var (fromText, fromJson) = (AutoTokenizer.Load(folder.Path), Load(shared));
        foreach (var line in Lines().Where(line => System.Text.Ascii.IsValid(line)))
        {
            Assert.Equal(fromJson.Encode(line), fromText.Encode(line));
        }
    }

    private static TextTokenizer Load(string folder)
        => Loaded.TryGetValue(folder, out var tokenizer) ? tokenizer : Loaded[folder] = AutoTokenizer.Load(folder);

    private static IEnumerable<string> Lines()
        => Directory.GetFiles(SharedData.PathOf("text"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).SelectMany(file => File.ReadLines(file).Take(100));
}
