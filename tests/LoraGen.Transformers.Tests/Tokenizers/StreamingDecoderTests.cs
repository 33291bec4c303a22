using System.Text;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>Ids that come one by one give the text that they give together, in pieces that are whole characters.</summary>
public sealed class StreamingDecoderTests
{
    private static readonly TextTokenizer Bytes = TinyTokenizer.Create();
    private static readonly TextTokenizer Pieces = SentencePieceTests.Llama();

    [Theory]
    [InlineData("Gets the name 漢字漢語 😀😁👩‍👩‍👧 größer ")]
    [InlineData("😀")]
    [InlineData("")]
    [InlineData("  the   loader")]
    public void Text_of_any_kind(string text)
    {
        foreach (var tokenizer in new[] { Bytes, Pieces })
        {
            var decoder = new StreamingDecoder(tokenizer);
            var shown = new StringBuilder();
            foreach (var id in tokenizer.Encode(text, addSpecialTokens: false))
            {
                var piece = decoder.Push(id);
                shown.Append(piece);
                Assert.DoesNotContain('\ufffd', piece);
                Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])), "half a character");
                Assert.StartsWith(shown.ToString(), text, StringComparison.Ordinal);
            }

            Assert.Equal(text, shown + decoder.Finish());
        }
    }

    // Most of these are no UTF-8: characters are cut off, and go on where none began.
    [Fact]
    public void Ids_of_any_kind()
    {
        var random = new Random(2);
        for (var attempt = 0; attempt < 400; attempt++)
        {
            var tokenizer = attempt % 2 == 0 ? Bytes : Pieces;
            var ids = Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(tokenizer.VocabSize)).ToArray();
            foreach (var skip in new[] { false, true })
            {
                var decoder = new StreamingDecoder(tokenizer, skip);
                Assert.Equal(tokenizer.Decode(ids, skip), string.Concat(ids.Select(decoder.Push)) + decoder.Finish());
            }
        }
    }

    [Fact]
    public void A_character_that_never_ends_becomes_a_replacement_character()
    {
        var decoder = new StreamingDecoder(Pieces);
        Assert.Equal("", decoder.Push(Pieces.IdOf("<0xF0>")!.Value));
        Assert.Equal("", decoder.Push(Pieces.IdOf("<0x9F>")!.Value));
        Assert.Equal("\ufffd", decoder.Finish());
    }

    [Fact]
    public void The_space_before_a_word_is_kept_after_a_prompt_and_dropped_at_the_start()
    {
        var id = Pieces.IdOf("\u2581the")!.Value;
        Assert.Equal("the", new StreamingDecoder(Pieces).Push(id));
        Assert.Equal(" the", new StreamingDecoder(Pieces, after: [id]).Push(id));
        Assert.Equal("the", new StreamingDecoder(Pieces, skipSpecialTokens: true, after: [Pieces.BosId!.Value]).Push(id));
    }

    [Fact]
    public void A_character_that_the_prompt_begins_is_ended()
    {
        var ids = Pieces.Encode("😀", addSpecialTokens: false);
        var decoder = new StreamingDecoder(Pieces, after: ids[..^1]);
        Assert.Equal("😀", decoder.Push(ids[^1]));
    }

    [Fact]
    public void An_id_that_is_not_in_the_vocabulary()
        => Assert.Contains("Token id 99999", Assert.Throws<LoraException>(() => new StreamingDecoder(Bytes).Push(99999)).Message, StringComparison.Ordinal);
}
