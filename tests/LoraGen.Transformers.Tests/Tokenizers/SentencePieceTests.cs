using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>Llama's kind: BPE over characters with visible spaces and bytes to fall back on, from tokenizer.json and from tokenizer.model.</summary>
public sealed class SentencePieceTests : IDisposable
{
    private static readonly string[] Words = ["t", "h", "e", "l", "o", "a", "d", "r", " ", "th", "the", " the", "lo", "ad", "er", "load", " lo", " load", "  ", "ll", "hello"];

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A tokenizer as tokenizer.json says it.</summary>
    public static TextTokenizer Llama()
    {
        using var folder = new ScratchFolder();
        WriteJson(folder);
        return AutoTokenizer.Load(folder.Path);
    }

    // The first merge is that of the first piece in the list: " the" is t+h, th+e, " "+the. A space stands before the whole text.
    [Theory]
    [InlineData("the loader", "\u2581the \u2581load er")]
    [InlineData("ll", "\u2581 ll")]
    [InlineData("lll", "\u2581 ll l")]
    [InlineData(" the", "\u2581 \u2581the")]
    [InlineData("é\u0001", "\u2581 <0xC3> <0xA9> <0x01>")]
    [InlineData("the</s>the", "\u2581the </s> \u2581the")]
    [InlineData("", "")]
    public void The_pieces_of_a_text(string text, string pieces)
    {
        var tokenizer = Llama();
        Assert.Equal(pieces.Split(' ', StringSplitOptions.RemoveEmptyEntries), tokenizer.Encode(text, addSpecialTokens: false).Select(tokenizer.TokenOf));
        Assert.Equal(tokenizer.Encode(text, addSpecialTokens: false).Prepend(1), tokenizer.Encode(text));
    }

    // A text is one word here, and a long one is cut where no piece reaches.
    [Fact]
    public void The_pieces_of_long_random_texts_are_those_of_a_naive_encoder()
    {
        var (tokenizer, vocabulary, random) = (Llama(), Vocabulary(), new Random(6));
        for (var attempt = 0; attempt < 30; attempt++)
        {
            // An unknown character ends a run by itself: half of the texts have none.
            string[] unknown = attempt % 2 == 0 ? [] : ["x", "é", "😀"];
            var text = string.Concat(random.GetItems(["t", "h", "e", "l", "o", "a", "d", "r", " ", " ", "the", "load", .. unknown], random.Next(50, 300)));
            Assert.Equal(Naive("\u2581" + text.Replace(' ', '\u2581'), vocabulary), tokenizer.Encode(text, addSpecialTokens: false).Select(tokenizer.TokenOf));
        }
    }

    [Theory]
    [InlineData("the loader")]
    [InlineData("  a  hello 漢字😀 \n the")]
    public void A_text_is_decoded_as_it_was(string text)
    {
        var tokenizer = Llama();
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text), skipSpecialTokens: true));
        Assert.Equal("<s> " + text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    // The model file is written here byte by byte, as sentencepiece_model.proto says.
    [Theory]
    [InlineData("the loader")]
    [InlineData("hello   ader lll lllll 漢字😀 é\n")]
    [InlineData("the</s>the <unk>")]
    public void A_model_file_gives_the_same_ids(string text)
    {
        WriteModel(_folder, "{\"tokenizer_class\": \"LlamaTokenizer\"}");
        var (fromModel, fromJson) = (AutoTokenizer.Load(_folder.Path), Llama());
        Assert.Equal(fromJson.Encode(text), fromModel.Encode(text));
        Assert.Equal(fromJson.Decode(fromJson.Encode(text)), fromModel.Decode(fromJson.Encode(text)));
        Assert.Equal((fromJson.BosId, fromJson.EosId, fromJson.VocabSize), (fromModel.BosId, fromModel.EosId, fromModel.VocabSize));
    }

    [Fact]
    public void The_switches_of_the_config_beside_a_model_file()
    {
        WriteModel(_folder, """{"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": false, "add_eos_token": true, "legacy": false}""");
        var tokenizer = AutoTokenizer.Load(_folder.Path);
        Assert.Equal(["\u2581the", "</s>", "the", "</s>"], tokenizer.Encode("the</s>the").Select(tokenizer.TokenOf));
    }

    [Theory]
    [InlineData("{\"tokenizer_class\": \"XLMRobertaTokenizer\"}", "tokenizer_class: expected LlamaTokenizer, CodeLlamaTokenizer or GemmaTokenizer for tokenizer.model, found XLMRobertaTokenizer")]
    [InlineData("{}", "found nothing")]
    public void A_model_file_of_another_class(string config, string expected)
    {
        WriteModel(_folder, config);
        Assert.Contains(expected, Assert.Throws<LoraException>(() => AutoTokenizer.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("IQ== 0\nIg== 1\n")]
    [InlineData("")]
    public void A_model_file_that_is_none(string content)
    {
        File.WriteAllText(_folder.PathOf("tokenizer.model"), content);
        File.WriteAllText(_folder.PathOf("tokenizer_config.json"), "{\"tokenizer_class\": \"LlamaTokenizer\"}");
        Assert.Contains(_folder.PathOf("tokenizer.model"), Assert.Throws<LoraException>(() => AutoTokenizer.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    // The pair that makes the piece that comes first is merged first, the leftmost of several.
    private static List<string> Naive(string text, List<string> vocabulary)
    {
        var pieces = text.EnumerateRunes().SelectMany(rune => vocabulary.Contains(rune.ToString())
            ? [rune.ToString()]
            : System.Text.Encoding.UTF8.GetBytes(rune.ToString()).Select(value => $"<0x{value:X2}>")).ToList();
        while (pieces.Zip(pieces.Skip(1), (left, right) => vocabulary.IndexOf(left + right)).Where(rank => rank >= 259).Order().ToList() is [var best, ..])
        {
            var at = Enumerable.Range(0, pieces.Count - 1).First(i => pieces[i] + pieces[i + 1] == vocabulary[best]);
            pieces[at] += pieces[at + 1];
            pieces.RemoveAt(at + 1);
        }

        return pieces;
    }

    private static List<string> Vocabulary()
        => ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), .. Words.Select(word => word.Replace(' ', '\u2581'))];

    private static void WriteJson(ScratchFolder folder)
    {
        var vocabulary = Vocabulary();
        var pieces = vocabulary.Skip(259).ToList();
        var merges = pieces.SelectMany(piece => Enumerable.Range(1, piece.Length - 1)
            .Select(cut => (piece[..cut], piece[cut..])).Where(pair => pieces.Contains(pair.Item1) && pieces.Contains(pair.Item2)).Select(pair => $"{pair.Item1} {pair.Item2}"));
        var root = JsonNode.Parse("""
            {"added_tokens": [{"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}],
             "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
             "pre_tokenizer": null,
             "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
               "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
             "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
               {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
             "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true}}
            """)!;
        root["model"]!["vocab"] = new JsonObject(vocabulary.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id)));
        root["model"]!["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)merge)]);
        File.WriteAllText(folder.PathOf("tokenizer.json"), root.ToJsonString());
        File.WriteAllText(folder.PathOf("tokenizer_config.json"), """{"bos_token": "<s>", "eos_token": {"content": "</s>"}, "unk_token": "<unk>"}""");
    }

    private static void WriteModel(ScratchFolder folder, string config)
    {
        var bytes = new List<byte>();
        foreach (var (piece, id) in Vocabulary().Select((piece, id) => (piece, id)))
        {
            var type = id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1;
            Add(bytes, 1, [.. Field(1, System.Text.Encoding.UTF8.GetBytes(piece)), 0x15, .. BitConverter.GetBytes(-(float)id), 0x18, (byte)type]);
        }

        Add(bytes, 2, [0x18, 2, 0x98, 0x02, 1]);    // model_type = BPE, byte_fallback = true (field 35)
        Add(bytes, 3, [0x18, 1, 0x20, 0, 0x28, 1]); // add_dummy_prefix, not remove_extra_whitespaces, escape_whitespaces
        File.WriteAllBytes(folder.PathOf("tokenizer.model"), [.. bytes]);
        File.WriteAllText(folder.PathOf("tokenizer_config.json"), config);

        static void Add(List<byte> bytes, int field, byte[] message) => bytes.AddRange(Field(field, message));

        static byte[] Field(int field, byte[] content) => [(byte)((field << 3) | 2), (byte)content.Length, .. content];
    }
}
