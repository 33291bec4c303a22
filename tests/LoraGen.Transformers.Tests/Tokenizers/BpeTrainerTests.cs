using System.Text.RegularExpressions;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>The vocabulary that is learnt is that of the naive trainer.</summary>
public sealed partial class BpeTrainerTests
{
    private static readonly string[] Special = ["<|endoftext|>", "<|pad|>"];

    private static readonly string[] Texts =
    [
        "Gets the name of the assembly that the loader loads.", "Gets or sets the loader's name; the default is null.",
        "System.Collections.Generic.List`1.Add(`0)", "Führt den Loader aus – größer, schöner. 漢字 漢字 漢語 😀😀",
        "aaaaaaaaaaaaaaaa aaaa aaa", "the  the\n\nthe\tthe", "",
    ];

    [Theory]
    [InlineData(258)]
    [InlineData(270)]
    [InlineData(400)]
    public void On_a_small_text(int size)
    {
        var (vocabulary, merges) = BpeTrainer.Train(Texts, Words(), Special, size);
        var expected = NaiveBpe.Train(Texts, Words(), Special, size);
        Assert.Equal(expected.Merges, merges);
        Assert.Equal(expected.Tokens, vocabulary.OrderBy(pair => pair.Value).Select(pair => pair.Key));
        Assert.Equal(Enumerable.Range(0, expected.Tokens.Count), vocabulary.Values.Order());
    }

    // Few letters and no cuts give the most overlaps and ties.
    [Fact]
    public void On_random_texts_of_few_letters()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var texts = Enumerable.Range(0, 12).Select(_ => string.Concat(random.GetItems("aaabbc ".ToCharArray(), random.Next(1, 14)))).ToList();
            var (vocabulary, merges) = BpeTrainer.Train(texts, Words(), [], 290);
            var expected = NaiveBpe.Train(texts, Words(), [], 290);
            Assert.Equal(expected.Merges, merges);
            Assert.Equal(expected.Tokens, vocabulary.OrderBy(pair => pair.Value).Select(pair => pair.Key));
        }
    }

    [Fact]
    public void The_order_of_the_texts_does_not_matter()
    {
        var forward = BpeTrainer.Train(Texts, Words(), Special, 330);
        var backward = BpeTrainer.Train(Texts.Reverse(), Words(), Special, 330);
        Assert.Equal(forward.Merges, backward.Merges);
    }

    [Fact]
    public void The_first_ids_are_the_special_tokens_and_then_the_bytes_in_GPT_2s_order()
    {
        var (vocabulary, _) = BpeTrainer.Train(Texts, Words(), Special, 300);
        Assert.Equal((0, 1), (vocabulary["<|endoftext|>"], vocabulary["<|pad|>"]));
        Assert.Equal((2, 3, 2 + 93, 2 + 94), (vocabulary["!"], vocabulary["\""], vocabulary["~"], vocabulary["¡"]));
        Assert.Equal((2 + 188, 2 + 220, 2 + 198), (vocabulary["Ā"], vocabulary["Ġ"], vocabulary["Ċ"]));
    }

    [Fact]
    public void It_stops_where_nothing_is_left_to_merge()
    {
        var (vocabulary, merges) = BpeTrainer.Train(["ab"], Words(), [], 10_000);
        Assert.Equal([("a", "b")], merges);
        Assert.Equal(257, vocabulary.Count);
    }

    // Were it learnt, text would yield the special token, or the special token's id would change.
    [Fact]
    public void A_special_token_is_not_learnt_from_text_that_spells_it()
    {
        var (vocabulary, merges) = BpeTrainer.Train(["pad pad pad pad", "<|pad|><|pad|><|pad|>"], new Regex("[^ ]+"), ["pad", "<|pad|>"], 300);
        Assert.Equal((0, 1), (vocabulary["pad"], vocabulary["<|pad|>"]));
        Assert.DoesNotContain(merges, merge => merge.Left + merge.Right is "pad" or "<|pad|>");
    }

    [Fact]
    public void No_token_crosses_a_cut()
    {
        var (_, merges) = BpeTrainer.Train(["ab ab ab ab ab"], Words(), [], 300);
        Assert.DoesNotContain(merges, merge => (merge.Left + merge.Right).LastIndexOf('Ġ') > 0);
    }

    [GeneratedRegex(@" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}
