namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>Added tokens are cut out of the text before anything else happens to it, each with its own switches.</summary>
public sealed class AddedTokenTests
{
    private const string Added = """
        "added_tokens": [
          {"id": 100, "content": "<x>", "special": true},
          {"id": 101, "content": "<x><x>", "special": true},
          {"id": 102, "content": "word", "single_word": true, "special": false, "normalized": false},
          {"id": 103, "content": "<l>", "lstrip": true, "special": true},
          {"id": 104, "content": "<r>", "rstrip": true, "special": true},
          {"id": 105, "content": "ABC", "normalized": true, "special": false},
          {"id": 106, "content": "D!", "normalized": false, "special": false}],
        "normalizer": {"type": "Lowercase"}
        """;

    [Theory]
    [InlineData("a<x>b", "a|<x>|b")]
    [InlineData("<x><x><x>", "<x><x>|<x>")]
    [InlineData("a word.", "a| |word|.")]
    [InlineData("awords", "a|w|o|r|d|s")]
    [InlineData("a  <l>  b", "a|<l>| | |b")]
    [InlineData("a  <r>  b", "a| | |<r>|b")]
    [InlineData("<x>  <l>", "<x>|<l>")]
    [InlineData("<r>  <l>", "<r>|<l>")]
    [InlineData("abc", "ABC")]
    [InlineData("aBc", "ABC")]
    [InlineData("D!", "D!")]
    [InlineData("d!", "d|!")]
    public void The_tokens_of_a_text(string text, string tokens) => Assert.Equal(tokens, JsonTokenizer.Letters(Added).Tokens(text));

    [Fact]
    public void Only_special_ones_are_left_out_of_a_decoded_text()
    {
        var tokenizer = JsonTokenizer.Letters(Added);
        int[] ids = [tokenizer.IdOf("a")!.Value, 100, 102];
        Assert.Equal("a<x>word", tokenizer.Decode(ids));
        Assert.Equal("aword", tokenizer.Decode(ids, skipSpecialTokens: true));
        Assert.Equal(107, tokenizer.VocabSize);
    }

    [Fact]
    public void A_token_with_a_role_is_a_special_one()
    {
        var tokenizer = JsonTokenizer.Load(
            """ "model": {"type": "BPE", "merges": [], "vocab": {"a": 0, "<end>": 1, "<": 2} } """, """{"eos_token": "<end>", "pad_token": {"content": "<end>"}, "chat_template": "{{ x }}"}""");
        Assert.Equal("a|<end>", tokenizer.Tokens("a<end>"));
        Assert.Equal((null, 1, 1), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId));
        Assert.True(tokenizer.IsSpecial(1));
        Assert.Equal("{{ x }}", tokenizer.ChatTemplate);
    }

    [Fact]
    public void A_role_for_a_token_that_is_not_there()
        => Assert.Contains(
            "eos_token: expected a token of the vocabulary, found <end>",
            Assert.Throws<LoraException>(() => JsonTokenizer.Load(""" "model": {"type": "BPE", "merges": [], "vocab": {"a": 0} } """, """{"eos_token": "<end>"}""")).Message,
            StringComparison.Ordinal);
}
