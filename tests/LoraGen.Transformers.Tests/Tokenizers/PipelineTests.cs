namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>Each normalizer, pre-tokenizer and post-processor by itself, over a model of single characters or of whole words.</summary>
public sealed class PipelineTests
{
    [Theory]
    [InlineData("""{"type": "Lowercase"}""", "ABc", "abc")]
    [InlineData("""{"type": "Strip", "strip_left": true, "strip_right": false}""", "  a ", "a ")]
    [InlineData("""{"type": "Strip"}""", "  a ", "a")]
    [InlineData("""{"type": "Replace", "pattern": {"String": "a"}, "content": "b."}""", "aca", "b.cb.")]
    [InlineData("""{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}""", "a   b c", "a b c")]
    [InlineData("""{"type": "Prepend", "prepend": "-"}""", "a", "-a")]
    [InlineData("""{"type": "Prepend", "prepend": "-"}""", "", "")]
    [InlineData("""{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "A"}, {"type": "Lowercase"}]}""", "B", "ab")]
    [InlineData("""{"type": "NFC"}""", "a b", "a b")]
    public void A_normalizer(string normalizer, string text, string normalized)
    {
        var tokenizer = JsonTokenizer.Letters($"\"normalizer\": {normalizer}");
        Assert.Equal(normalized, tokenizer.Decode(tokenizer.Encode(text)));
    }

    // "e" with an accent is one character or two; a program without Unicode's tables cannot tell, and must not pretend.
    [Fact]
    public void Unicode_that_cannot_be_normalized_is_refused()
    {
        Assert.True(AppContext.TryGetSwitch("System.Globalization.Invariant", out var invariant) && invariant);
        foreach (var form in new[] { "NFC", "NFD", "NFKC", "NFKD" })
        {
            var tokenizer = JsonTokenizer.Letters($$""" "normalizer": {"type": "{{form}}"} """);
            Assert.Contains("InvariantGlobalization", Assert.Throws<LoraException>(() => tokenizer.Encode("e\u0301")).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"type": "WhitespaceSplit"}""", " a-b  c\td ", "a-b|c|d")]
    [InlineData("""{"type": "Whitespace"}""", "ab-, c!", "ab|-,|c|!")]
    [InlineData("""{"type": "Punctuation"}""", "a-,b", "a|-|,|b")]
    [InlineData("""{"type": "Digits", "individual_digits": true}""", "a12b", "a|1|2|b")]
    [InlineData("""{"type": "Digits", "individual_digits": false}""", "a12b", "a|12|b")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "Removed", "invert": false}""", "a--b-", "a|b")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "Isolated", "invert": false}""", "a--b-", "a|-|-|b|-")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "MergedWithPrevious", "invert": false}""", "a--b-", "a-|-|b-")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "MergedWithNext", "invert": false}""", "a--b-", "a|-|-b|-")]
    [InlineData("""{"type": "Split", "pattern": {"String": "-"}, "behavior": "Contiguous", "invert": false}""", "a--b-", "a|--|b|-")]
    [InlineData("""{"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Removed", "invert": true}""", "a--b-", "a|b")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": true}""", "a b<x>c", "_a|_b|<x>|_c")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": true}""", "a b<x>c", "_a|_b|<x>|c")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "never", "split": true}""", "a b<x>c", "a|_b|<x>|c")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "add_prefix_space": true}""", "a b", "_a|_b")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": false}""", "a b", "_a_b")]
    [InlineData("""{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation"}]}""", "a- b", "a|-|b")]
    [InlineData("""{"type": "ByteLevel", "add_prefix_space": true}""", "a b's", "\u0120a|\u0120b|'s")]
    [InlineData("""{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}""", "a b", "a\u0120b")]
    [InlineData("""{"type": "BertPreTokenizer"}""", "a-b  c", "a|-|b|c")]
    public void A_pre_tokenizer(string preTokenizer, string text, string words)
    {
        // Every expected word is a token, which the model takes without merging anything.
        var vocabulary = words.Split('|').Where(word => word != "<x>").Distinct().Select((word, id) => $"\"{word}\": {id}");
        var tokenizer = JsonTokenizer.Load($$"""
            "added_tokens": [{"id": 100, "content": "<x>", "special": true}],
            "pre_tokenizer": {{preTokenizer}},
            "model": {"type": "BPE", "merges": [], "ignore_merges": true, "vocab": { {{string.Join(", ", vocabulary)}} } }
            """);
        Assert.Equal(words, tokenizer.Tokens(text));
    }

    // Letters, a digit and a symbol outside the basic plane, each of which is two UTF-16 units.
    [Theory]
    [InlineData(" ?\\\\p{L}+", "a𝒜b c", "a𝒜b| c")]
    [InlineData("\\\\p{N}{1,2}", "𝟏𝟐𝟑", "𝟏𝟐|𝟑")]
    [InlineData("[^\\\\p{L}\\\\p{N}]?\\\\p{L}+", "😀ab😀", "😀ab|😀")]
    [InlineData(".", "😀😀", "😀|😀")]
    public void A_pattern_sees_characters_and_not_halves_of_them(string pattern, string text, string words)
    {
        var vocabulary = words.Split('|').Distinct().Select((word, id) => $"\"{word}\": {id}");
        var tokenizer = JsonTokenizer.Load($$"""
            "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "{{pattern}}"}, "behavior": "Isolated", "invert": false},
            "model": {"type": "BPE", "merges": [], "ignore_merges": true, "vocab": { {{string.Join(", ", vocabulary)}} } }
            """);
        Assert.Equal(words, tokenizer.Tokens(text));
    }

    [Theory]
    [InlineData("""{"type": "BertProcessing", "cls": ["[C]", 50], "sep": ["[S]", 51]}""", "[C]|a|[S]")]
    [InlineData("""{"type": "RobertaProcessing", "cls": ["[C]", 50], "sep": ["[S]", 51], "trim_offsets": true, "add_prefix_space": false}""", "[C]|a|[S]")]
    [InlineData("""{"type": "ByteLevel", "trim_offsets": false}""", "a")]
    [InlineData("""{"type": "Sequence", "processors": [{"type": "BertProcessing", "cls": ["[C]", 50], "sep": ["[S]", 51]}, {"type": "BertProcessing", "cls": ["[S]", 51], "sep": ["[C]", 50]}]}""", "[S]|[C]|a|[S]|[C]")]
    [InlineData("""
        {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "two", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[S]", "type_id": 0}}],
         "special_tokens": {"two": {"id": "two", "ids": [50, 51]}, "[S]": {"id": "[S]", "ids": [51]}}}
        """, "[C]|[S]|a|[S]")]
    public void A_post_processor(string postProcessor, string tokens)
    {
        var tokenizer = JsonTokenizer.Letters($$"""
            "added_tokens": [{"id": 50, "content": "[C]", "special": true}, {"id": 51, "content": "[S]", "special": true}], "post_processor": {{postProcessor}}
            """);
        Assert.Equal(tokens, tokenizer.Tokens("a"));
        Assert.Equal([0], tokenizer.Encode("a", addSpecialTokens: false));
    }

    [Theory]
    [InlineData("null", "a|b", "a b")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "always"}""", "_a|_b", "a b")]
    [InlineData("""{"type": "Metaspace", "replacement": "_", "prepend_scheme": "never"}""", "_a|_b", " a b")]
    [InlineData("""{"type": "WordPiece", "prefix": "##", "cleanup": true}""", "un|##able|.|'s", "unable.'s")]
    [InlineData("""{"type": "WordPiece", "prefix": "##", "cleanup": false}""", "un|##able|.|'s", "unable . 's")]
    [InlineData("""{"type": "ByteLevel"}""", "\u0120a|\u00c3|\u00a9|\u6f22", " aé漢")]
    [InlineData("""{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "_"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}""", "_a|<0xC3>|<0xA9>|_", " aé ")]
    public void A_decoder(string decoder, string tokens, string text)
    {
        var vocabulary = tokens.Split('|').Select((word, id) => $"\"{word}\": {id}");
        var tokenizer = JsonTokenizer.Load($$"""
            "decoder": {{decoder}}, "model": {"type": "BPE", "merges": [], "vocab": { {{string.Join(", ", vocabulary)}} } }
            """);
        Assert.Equal(text, tokenizer.Decode(Enumerable.Range(0, tokens.Split('|').Length)));
    }
}
