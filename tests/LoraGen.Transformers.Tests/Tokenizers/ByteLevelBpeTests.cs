using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoraGen.Tests.Files;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>The tokenizer.json that is written is read back and means the same.</summary>
public sealed class ByteLevelBpeTests : IDisposable
{
    private const string Split = @" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private static readonly string[] Special = ["<|endoftext|>", "<|pad|>"];

    private readonly ScratchFolder _folder = new();
    private readonly IReadOnlyList<(string Left, string Right)> _merges;
    private readonly IReadOnlyDictionary<string, int> _vocabulary;
    private readonly TextTokenizer _tokenizer;

    public ByteLevelBpeTests()
    {
        string[] texts = ["Gets the name of the assembly that the loader loads.", "Führt den Loader aus. 漢字 漢字 😀😀", "endoftext endoftext pad pad"];
        (_vocabulary, _merges) = BpeTrainer.Train(texts, new Regex(Split), Special, 340);
        ByteLevelBpe.Write(_folder.Path, _vocabulary, _merges, Split, Special);
        _tokenizer = AutoTokenizer.Load(_folder.Path);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("Gets the name.")]
    [InlineData("  two  spaces\r\n\r\n\ttabs \u00a0\u2003 end ")]
    [InlineData("größer 漢字 😀👩‍👩‍👧 e\u0301 \u200b\ufeff")]
    [InlineData("\u0000\u0001\u007f\u0080\u00ad\u00ff")]
    [InlineData("< | endoftext | > <|endoftex <|pad")]
    public void A_text_is_decoded_as_it_was(string text) => Assert.Equal(text, _tokenizer.Decode(_tokenizer.Encode(text)));

    [Fact]
    public void Random_texts_are_decoded_as_they_were_and_hold_no_special_token()
    {
        var random = new Random(4);
        for (var attempt = 0; attempt < 300; attempt++)
        {
            var text = Random(random);
            var ids = _tokenizer.Encode(text);
            Assert.Equal(text, _tokenizer.Decode(ids));
            Assert.DoesNotContain(ids, id => id < Special.Length);
        }
    }

    [Fact]
    public void The_ids_are_those_of_the_naive_encoder()
    {
        var random = new Random(5);
        for (var attempt = 0; attempt < 60; attempt++)
        {
            var text = attempt == 0 ? "Gets the name of the loader that loads the 漢字 assembly 😀." : Random(random);
            Assert.Equal(
                NaiveBpe.Encode(text, new Regex(Split), _merges).Select(token => _vocabulary[token]),
                _tokenizer.Encode(text));
        }
    }

    // A string with half of a surrogate pair is no text; what comes of it is marked, and nothing around it is lost.
    [Fact]
    public void Half_a_character_becomes_replacement_characters()
        => Assert.Matches("^a\ufffd+b$", _tokenizer.Decode(_tokenizer.Encode("a\ud83db")));

    // Like Hugging Face's tokenizers, and so that a prompt can be written as one text: a special token's exact name is that token, wherever
    // it stands. Text from outside that must not steer the model has to be cleaned of these names before.
    [Fact]
    public void The_exact_name_of_a_special_token_is_that_token()
    {
        var ids = _tokenizer.Encode("pad<|endoftext|>pad<|pad|>");
        Assert.Equal([_vocabulary["pad"], 0, _vocabulary["pad"], 1], ids);
        Assert.Equal("pad<|endoftext|>pad<|pad|>", _tokenizer.Decode(ids));
    }

    [Fact]
    public void The_files_are_Hugging_Faces()
    {
        var tokenizer = JsonNode.Parse(File.ReadAllText(_folder.PathOf("tokenizer.json")))!;
        Assert.Equal("BPE", (string?)tokenizer["model"]!["type"]);
        Assert.Equal(_vocabulary.Count, tokenizer["model"]!["vocab"]!.AsObject().Count);
        Assert.Equal(_merges.Select(merge => $"{merge.Left} {merge.Right}"), tokenizer["model"]!["merges"]!.AsArray().Select(merge => (string?)merge));
        Assert.Equal(Special, tokenizer["added_tokens"]!.AsArray().Select(token => (string?)token!["content"]));
        Assert.Equal([0, 1], tokenizer["added_tokens"]!.AsArray().Select(token => (int)token!["id"]!));
        Assert.All(tokenizer["added_tokens"]!.AsArray(), token => Assert.True((bool)token!["special"]!));
        Assert.Equal(Split, (string?)tokenizer["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"]);
        Assert.False((bool)tokenizer["pre_tokenizer"]!["pretokenizers"]![1]!["use_regex"]!);
        var config = JsonNode.Parse(File.ReadAllText(_folder.PathOf("tokenizer_config.json")))!;
        Assert.Equal("<|endoftext|>", (string?)config["eos_token"]);
    }

    [Fact]
    public void Merges_as_pairs_are_read_as_merges_in_one_string_are()
    {
        Edit(root => root["model"]!["merges"] = new JsonArray([.. _merges.Select(merge => new JsonArray(merge.Left, merge.Right))]));
        const string text = "Gets the name of the assembly.";
        Assert.Equal(_tokenizer.Encode(text), AutoTokenizer.Load(_folder.Path).Encode(text));
    }

    [Theory]
    [InlineData("model.type", "\"WordLevel\"", "model.type: expected BPE, WordPiece or Unigram, found \"WordLevel\"")]
    [InlineData("decoder.type", "\"CTC\"", "decoder.type: expected ByteLevel, WordPiece")]
    [InlineData("decoder", "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Strip\"}]}", "decoder.decoders[0].type: expected ByteLevel")]
    [InlineData("normalizer", "{\"type\": \"Nmt\"}", "normalizer.type: expected Sequence, Prepend")]
    [InlineData("pre_tokenizer", "{\"type\": \"UnicodeScripts\"}", "pre_tokenizer.type: expected Sequence, ByteLevel")]
    [InlineData("pre_tokenizer.pretokenizers", "[{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}}]", "pre_tokenizer.pretokenizers[0].pattern.Regex: expected a pattern that .NET reads")]
    [InlineData("pre_tokenizer.pretokenizers", "[{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Kept\"}]", "pre_tokenizer.pretokenizers[0].behavior: expected Isolated")]
    [InlineData("post_processor", "{\"type\": \"Other\"}", "post_processor.type: expected Sequence, TemplateProcessing")]
    [InlineData("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": []}", "post_processor.single: expected the Sequence A once")]
    [InlineData("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\": \"A\", \"type_id\": 1}}]}", "post_processor.single[0].Sequence.type_id: expected 0, found 1")]
    [InlineData("model.dropout", "0.1", "model.dropout: expected null, found 0.1")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "model.end_of_word_suffix: expected null")]
    [InlineData("model.unk_token", "\"<unk>\"", "model.unk_token: expected a token of model.vocab")]
    [InlineData("added_tokens", "[{\"id\": 7, \"content\": \"<|pad|>\"}]", "the added token <|pad|>: expected id 1, as in the vocabulary, found 7")]
    public void Another_kind_of_tokenizer_is_refused(string key, string value, string expected)
    {
        Edit(root => Set(root, key, JsonNode.Parse(value)));
        var refusal = Assert.Throws<LoraException>(() => AutoTokenizer.Load(_folder.Path));
        Assert.Contains(_folder.Path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model", "null")]
    [InlineData("model.vocab", "null")]
    [InlineData("model.vocab", "{\"a\": \"b\"}")]
    [InlineData("model.vocab", "{\"a\": 1.5}")]
    [InlineData("model.merges", "[1]")]
    [InlineData("model.merges", "[\"no such tokens\"]")]
    [InlineData("added_tokens", "{}")]
    [InlineData("added_tokens", "[{\"content\": \"a\"}]")]
    [InlineData("pre_tokenizer.pretokenizers", "[{\"pattern\": {\"Regex\": \"(\"}}]")]
    public void A_malformed_part_is_refused(string key, string value)
    {
        Edit(root => Set(root, key, JsonNode.Parse(value)));
        Refused();
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("[]")]
    public void A_file_that_is_no_object_is_refused(string content)
    {
        File.WriteAllText(_folder.PathOf("tokenizer.json"), content);
        Refused();
    }

    [Fact]
    public void A_folder_without_a_tokenizer_is_refused()
    {
        File.Delete(_folder.PathOf("tokenizer.json"));
        Assert.Contains("expected tokenizer.json, tokenizer.model", Assert.Throws<LoraException>(() => AutoTokenizer.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    private void Edit(Action<JsonNode> edit)
    {
        var root = JsonNode.Parse(File.ReadAllText(_folder.PathOf("tokenizer.json")))!;
        edit(root);
        File.WriteAllText(_folder.PathOf("tokenizer.json"), root.ToJsonString());
    }

    private static void Set(JsonNode root, string key, JsonNode? value)
    {
        var names = key.Split('.');
        foreach (var name in names[..^1])
        {
            root = root[name]!;
        }

        root[names[^1]] = value;
    }

    private void Refused()
        => Assert.Contains(_folder.PathOf("tokenizer.json"), Assert.Throws<LoraException>(() => AutoTokenizer.Load(_folder.Path)).Message, StringComparison.Ordinal);

    // Any character of Unicode, with more weight on what words are made of.
    private static string Random(Random random)
    {
        var text = new StringBuilder();
        for (var length = random.Next(1, 30); length > 0; length--)
        {
            var value = random.Next(4) switch
            {
                0 => random.Next(0x20, 0x7F),
                1 => random.Next(0x00, 0x250),
                2 => random.Next(0x3040, 0xA000),
                _ => random.Next(0x110000),
            };
            if (Rune.IsValid(value))
                text.Append(new Rune(value));
        }

        return text.ToString();
    }
}
