using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LoraGen.Files;
using Microsoft.ML.Tokenizers;

namespace LoraGen.Transformers.Tokenizers;

/// <summary>
/// Byte-level BPE in Hugging Face's <c>tokenizer.json</c>, read into Microsoft.ML.Tokenizers, which has no reader for that file itself.
/// </summary>
public static class ByteLevelBpe
{
    private const string FileName = "tokenizer.json";

    /// <summary>Writes <c>tokenizer.json</c> and <c>tokenizer_config.json</c>.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="merges">The merges in the order learnt.</param>
    /// <param name="split">Pattern that cuts a text into words; it must mean the same in .NET and in Oniguruma.</param>
    /// <param name="specialTokens">Tokens with a meaning of their own, the first of which begins and ends a sequence and pads. A text that spells one is encoded as it.</param>
    public static void Write(
        string folder,
        IReadOnlyDictionary<string, int> vocabulary,
        IReadOnlyList<(string Left, string Right)> merges,
        string split,
        IReadOnlyList<string> specialTokens)
    {
        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. specialTokens.Select(token => new JsonObject
            {
                ["id"] = vocabulary[token],
                ["content"] = token,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = true,
            })]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = split }, ["behavior"] = "Isolated", ["invert"] = false },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false }),
            },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = new JsonObject(vocabulary.OrderBy(pair => pair.Value).Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create($"{merge.Left} {merge.Right}"))]),
            },
        };
        var config = new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["bos_token"] = specialTokens[0],
            ["eos_token"] = specialTokens[0],
            ["pad_token"] = specialTokens[0],
            ["clean_up_tokenization_spaces"] = false,
        };
        Write(Path.Combine(folder, FileName), tokenizer);
        Write(Path.Combine(folder, "tokenizer_config.json"), config);
    }

    private static void Write(string path, JsonObject content)
        => AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, content, new JsonSerializerOptions { WriteIndented = true, IndentSize = 1 }));

    /// <summary>Reads <c>tokenizer.json</c> from a model's folder.</summary>
    /// <exception cref="LoraException">The file is missing or malformed, or is not byte-level BPE with one split pattern.</exception>
    public static BpeTokenizer Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            var root = JsonNode.Parse(File.ReadAllText(path));
            var model = root?["model"];
            Require(path, "model.type", "BPE", (string?)model?["type"]);
            Require(path, "decoder.type", "ByteLevel", (string?)root?["decoder"]?["type"]);
            var split = (string?)root!["pre_tokenizer"]?["pretokenizers"]?[0]?["pattern"]?["Regex"]
                ?? throw new LoraException($"{path}: pre_tokenizer: expected a Sequence that begins with a Split by Regex, found {root["pre_tokenizer"]?.ToJsonString() ?? "null"}.");
            var specialTokens = root["added_tokens"]!.AsArray().ToDictionary(token => (string)token!["content"]!, token => (int)token!["id"]!);
            return BpeTokenizer.Create(new BpeOptions(model!["vocab"]!.AsObject().Select(pair => KeyValuePair.Create(pair.Key, (int)pair.Value!)))
            {
                // Newer files spell a merge as a pair, older ones as one string.
                Merges = [.. model["merges"]!.AsArray().Select(merge => merge is JsonArray pair ? $"{pair[0]} {pair[1]}" : (string)merge!)],
                ByteLevel = true,
                PreTokenizer = new RegexPreTokenizer(new Regex(split, RegexOptions.Compiled | RegexOptions.CultureInvariant), specialTokens),
                SpecialTokens = specialTokens,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NullReferenceException or InvalidOperationException or ArgumentException)
        {
            throw new LoraException($"{path}: cannot be read as a Hugging Face byte-level BPE tokenizer: {e.Message}", e);
        }
    }

    private static void Require(string path, string key, string expected, string? found)
    {
        if (found != expected)
        {
            throw new LoraException($"{path}: {key}: expected {expected}, found {found ?? "nothing"}.");
        }
    }
}
