using LoraGen.Tests.Files;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>BERT's tokenizer, from vocab.txt and from tokenizer.json.</summary>
public sealed class WordPieceTests : IDisposable
{
    private static readonly string[] Vocabulary =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "un", "##aff", "##able", "##a", "##b", "a", "b", ",", ".", "'", "s", "do", "not", "漢", "字", "The"];

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("The unaffable, A.", "[CLS]|the|un|##aff|##able|,|a|.|[SEP]")]
    [InlineData("unaffables", "[CLS]|[UNK]|[SEP]")]
    [InlineData("ab\tba\u0000b", "[CLS]|a|##b|b|##a|##b|[SEP]")]
    [InlineData("[MASK]a [CLS]", "[CLS]|[MASK]|a|[CLS]|[SEP]")]
    [InlineData("a's", "[CLS]|a|'|s|[SEP]")]
    [InlineData("", "[CLS]|[SEP]")]
    public void The_tokens_of_a_text(string text, string tokens)
    {
        Write("{\"tokenizer_class\": \"BertTokenizer\"}");
        Assert.Equal(tokens, AutoTokenizer.Load(_folder.Path).Tokens(text));
        Assert.Equal(tokens, FromJson().Tokens(text));
    }

    // Where no accent is taken off, no table of Unicode is needed.
    [Theory]
    [InlineData("漢字a", "[CLS]|漢|字|a|[SEP]")]
    [InlineData("The the", "[CLS]|The|the|[SEP]")]
    public void A_cased_one(string text, string tokens)
    {
        Write("{\"tokenizer_class\": \"BertTokenizerFast\", \"do_lower_case\": false}");
        Assert.Equal(tokens, AutoTokenizer.Load(_folder.Path).Tokens(text));
    }

    [Fact]
    public void A_decoded_text()
    {
        Write("{\"tokenizer_class\": \"DistilBertTokenizer\"}");
        var tokenizer = AutoTokenizer.Load(_folder.Path);
        Assert.Equal("[CLS] the unaffable, a ' s. [SEP]", tokenizer.Decode(tokenizer.Encode("The unaffable , a 's.")));
        Assert.Equal("unable", tokenizer.Decode([6, 8], skipSpecialTokens: true));
        Assert.Equal(0, tokenizer.PadId);
    }

    [Fact]
    public void The_longest_piece_first_in_random_words()
    {
        var tokenizer = FromJson();
        var random = new Random(3);
        for (var attempt = 0; attempt < 300; attempt++)
        {
            var word = string.Concat(random.GetItems(["un", "aff", "able", "a", "b"], random.Next(1, 6)));
            Assert.Equal(Naive(word), tokenizer.Tokens(word)[6..^6]);
        }
    }

    [Fact]
    public void Another_class()
    {
        Write("{\"tokenizer_class\": \"MPNetTokenizer\"}");
        Assert.Contains("expected BertTokenizer or DistilBertTokenizer for vocab.txt, found MPNetTokenizer", Assert.Throws<LoraException>(() => AutoTokenizer.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_class_that_belongs_to_the_model()
    {
        Write("{}");
        File.WriteAllText(_folder.PathOf("config.json"), "{\"model_type\": \"distilbert\"}");
        Assert.Equal("[CLS]|the|[SEP]", AutoTokenizer.Load(_folder.Path).Tokens("the"));
    }

    [Fact]
    public void A_token_twice()
    {
        Write("{\"tokenizer_class\": \"BertTokenizer\"}");
        File.AppendAllText(_folder.PathOf("vocab.txt"), "\nthe");
        Assert.Contains("vocab.txt: line 23: expected a token that no earlier line has, found the", Assert.Throws<LoraException>(() => AutoTokenizer.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"unk_token\": \"[X]\", \"vocab\": {\"a\": 0}", "model.unk_token: expected a token of model.vocab")]
    [InlineData("\"unk_token\": \"a\", \"vocab\": {\"a\": 1}", "model.vocab: expected the ids 0 to 0, each once")]
    public void A_malformed_model(string model, string expected)
        => Assert.Contains(expected, Assert.Throws<LoraException>(() => JsonTokenizer.Load($$""" "model": {"type": "WordPiece", {{model}} } """)).Message, StringComparison.Ordinal);

    private static string Naive(string word)
    {
        var tokens = new List<string>();
        while (word.Length > 0)
        {
            var prefix = tokens.Count > 0 ? "##" : "";
            var length = Enumerable.Range(1, word.Length).LastOrDefault(length => Vocabulary.Contains(prefix + word[..length]));
            if (length == 0)
                return "[UNK]";
            tokens.Add(prefix + word[..length]);
            word = word[length..];
        }

        return string.Join('|', tokens);
    }

    private static TextTokenizer FromJson() => JsonTokenizer.Load($$"""
        "added_tokens": [{{string.Join(", ", Vocabulary.Take(5).Select((token, id) => $$"""{"id": {{id}}, "content": "{{token}}", "special": true}"""))}}],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": { {{string.Join(", ", Vocabulary.Select((token, id) => $"\"{token}\": {id}"))}} } }
        """);

    private void Write(string config)
    {
        File.WriteAllText(_folder.PathOf("vocab.txt"), string.Join('\n', Vocabulary));
        File.WriteAllText(_folder.PathOf("tokenizer_config.json"), config);
    }
}
