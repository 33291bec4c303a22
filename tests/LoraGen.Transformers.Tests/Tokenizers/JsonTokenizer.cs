using LoraGen.Tests.Files;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>A tokenizer that a test writes down as JSON.</summary>
internal static class JsonTokenizer
{
    /// <param name="parts">The members of tokenizer.json, without the braces.</param>
    /// <param name="config">tokenizer_config.json.</param>
    public static TextTokenizer Load(string parts, string config = "{}")
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder.PathOf("tokenizer.json"), "{" + parts + "}");
        File.WriteAllText(folder.PathOf("tokenizer_config.json"), config);
        return AutoTokenizer.Load(folder.Path);
    }

    /// <summary>A model whose tokens are single characters, and a decoder that puts them back together as they are.</summary>
    public static TextTokenizer Letters(string parts, string letters = "abcdefghijklmnopqrstuvwxyz ABCD0123.,!-")
        => Load($$"""
            {{parts}}{{(parts.Length > 0 ? "," : "")}}
            "decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}]},
            "model": {"type": "BPE", "merges": [], "vocab": { {{string.Join(", ", letters.Select((letter, id) => $"\"{letter}\": {id}"))}} } }
            """);

    /// <summary>The tokens of a text, separated by bars.</summary>
    public static string Tokens(this TextTokenizer tokenizer, string text) => string.Join('|', tokenizer.Encode(text).Select(tokenizer.TokenOf));
}
