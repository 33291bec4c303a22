using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>A token that is looked for in the text itself, before any model sees it.</summary>
/// <param name="Content">Its text.</param>
/// <param name="Id">Its id.</param>
/// <param name="Special">Whether it carries a meaning instead of text, so that a decoder may leave it out.</param>
/// <param name="Normalized">Whether it is looked for in the normalized text.</param>
/// <param name="SingleWord">Whether it counts only where no letter or digit touches it.</param>
/// <param name="LeftStrip">Whether it swallows white space before it.</param>
/// <param name="RightStrip">Whether it swallows white space after it.</param>
internal sealed record AddedToken(
    string Content, int Id, bool Special = true, bool Normalized = false, bool SingleWord = false, bool LeftStrip = false, bool RightStrip = false)
{
    /// <summary>An entry of tokenizer.json's <c>added_tokens</c>, or of tokenizer_config.json's <c>added_tokens_decoder</c>.</summary>
    public static AddedToken Read(JsonPart part, int id)
    {
        var special = part["special"].Flag(absent: false);
        return new(
            part["content"].Text is { Length: > 0 } content ? content : throw part["content"].Refusal("a token that is not empty"),
            id,
            special,
            part["normalized"].Flag(absent: !special),
            part["single_word"].Flag(absent: false),
            part["lstrip"].Flag(absent: false),
            part["rstrip"].Flag(absent: false));
    }
}
