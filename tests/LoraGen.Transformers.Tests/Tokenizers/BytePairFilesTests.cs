using System.Text.Json;
using System.Text.RegularExpressions;
using LoraGen.Tests.Files;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>vocab.json and merges.txt mean what a tokenizer.json with the same merges means; the class says the rest.</summary>
public sealed class BytePairFilesTests : IDisposable
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Text = "Gets the loader's name, 12345 größer  漢字 😀!";

    private readonly ScratchFolder _folder = new();
    private readonly IReadOnlyList<(string Left, string Right)> _merges;
    private readonly IReadOnlyDictionary<string, int> _vocabulary;

    public BytePairFilesTests()
    {
        (_vocabulary, _merges) = BpeTrainer.Train([Text, Text, "the loader loads"], new Regex(Gpt2), ["<s>", "</s>", "<pad>", "<mask>", "<|endoftext|>", "<unk>"], 300);
        File.WriteAllText(_folder.PathOf("vocab.json"), JsonSerializer.Serialize(_vocabulary));
        File.WriteAllText(_folder.PathOf("merges.txt"), "#version: 0.2\n" + string.Join('\n', _merges.Select(merge => $"{merge.Left} {merge.Right}")) + "\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GPT_2()
    {
        var tokenizer = Load("{\"tokenizer_class\": \"GPT2Tokenizer\"}");
        Assert.Equal(Expected(Text), tokenizer.Encode(Text));
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text)));
        Assert.Equal((4, 4), (tokenizer.BosId, tokenizer.EosId));
        Assert.Equal([4], tokenizer.Encode("<|endoftext|>"));
        Assert.Equal(Expected(" the"), Load("{\"tokenizer_class\": \"GPT2Tokenizer\", \"add_prefix_space\": true}").Encode("the"));
        Assert.Equal(4, Load("{\"tokenizer_class\": \"GPT2Tokenizer\", \"add_bos_token\": true}").Encode("the")[0]);
    }

    [Fact]
    public void RoBERTa()
    {
        var tokenizer = Load("{\"tokenizer_class\": \"RobertaTokenizer\"}");
        Assert.Equal([0, .. Expected(Text), 1], tokenizer.Encode(Text));
        Assert.Equal([0, .. Expected("the"), 3, 1], tokenizer.Encode("the <mask>"));
        Assert.Equal((0, 1, 2), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId));
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text), skipSpecialTokens: true));
    }

    // Its pattern takes a digit at a time, and a mark before a word with it.
    [Fact]
    public void Qwen2()
    {
        var tokenizer = Load("{\"tokenizer_class\": \"Qwen2TokenizerFast\"}");
        Assert.Equal([.. Expected("1"), .. Expected("2"), .. Expected("3")], tokenizer.Encode("123"));
        Assert.Equal((null, 4, 4), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId));
    }

    [Fact]
    public void Tokens_that_were_added_later()
    {
        File.WriteAllText(_folder.PathOf("added_tokens.json"), "{\"<new>\": 300}");
        File.WriteAllText(_folder.PathOf("special_tokens_map.json"), "{\"pad_token\": \"<new>\"}");
        var tokenizer = Load("""{"tokenizer_class": "GPT2Tokenizer", "added_tokens_decoder": {"301": {"content": "<other>", "special": true}}}""");
        Assert.Equal([300, 301], tokenizer.Encode("<new><other>"));
        Assert.Equal((300, 302), (tokenizer.PadId, tokenizer.VocabSize));
    }

    [Theory]
    [InlineData("{\"tokenizer_class\": \"CLIPTokenizer\"}", "expected GPT2Tokenizer, RobertaTokenizer or Qwen2Tokenizer for vocab.json and merges.txt, found CLIPTokenizer")]
    [InlineData("{}", "found nothing")]
    [InlineData("{\"tokenizer_class\": \"GPT2Tokenizer\", \"eos_token\": \"<no>\"}", "eos_token: expected a token of the vocabulary, found <no>")]
    public void Another_class_or_token(string config, string expected)
        => Assert.Contains(expected, Assert.Throws<LoraException>(() => Load(config)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a")]
    [InlineData("a b c")]
    [InlineData("a \u6f22")]
    public void A_merge_of_no_two_tokens(string line)
    {
        File.WriteAllText(_folder.PathOf("merges.txt"), $"#version: 0.2\n{line}\n");
        Assert.Contains($"merges.txt: line 2: expected two tokens of vocab.json that make a third, found {line}", Assert.Throws<LoraException>(() => Load("{\"tokenizer_class\": \"GPT2Tokenizer\"}")).Message, StringComparison.Ordinal);
    }

    private TextTokenizer Load(string config)
    {
        File.WriteAllText(_folder.PathOf("tokenizer_config.json"), config);
        return AutoTokenizer.Load(_folder.Path);
    }

    private IEnumerable<int> Expected(string text) => NaiveBpe.Encode(text, new Regex(Gpt2), _merges).Select(token => _vocabulary[token]);
}
