using LoraGen.Transformers.Tokenizers.Pipeline;

namespace LoraGen.Transformers.Tokenizers.Files;

/// <summary>Hugging Face's <c>tokenizer.json</c>, which says by itself all that is to be done with a text.</summary>
internal static class TokenizerJson
{
    public const string FileName = "tokenizer.json";

    // Its truncation and padding are not read: Hugging Face's own classes reset both at each call, to what the caller asks for.
    public static TextTokenizer Read(string folder, TokenizerConfig config)
    {
        var root = JsonPart.Read(Path.Combine(folder, FileName));
        var added = root["added_tokens"];
        return config.Tokenizer(
            TokenModel.Read(root["model"]),
            added.IsNull ? [] : added.Items.Select(item => AddedToken.Read(item, item["id"] is { Number: >= 0 and < int.MaxValue } id ? id.Number : throw item["id"].Refusal("an id of 0 or more"))),
            Normalizers.Read(root["normalizer"]),
            PreTokenizers.Read(root["pre_tokenizer"]),
            SpecialTemplate.Read(root["post_processor"]),
            TokenDecoders.Read(root["decoder"]));
    }
}
