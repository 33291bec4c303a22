using System.Text.Json;
using System.Text.Json.Nodes;
using LoraGen.Files;

namespace LoraGen.Transformers.Tokenizers;

/// <summary>
/// Writes a byte-level BPE, such as <see cref="BpeTrainer"/> learns, as Hugging Face's <c>tokenizer.json</c>. <see cref="AutoTokenizer"/>
/// reads it.
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
}
