using LoraGen.Training.Metrics;

namespace LoraGen.Training.Tests;

/// <summary>BLEU against values worked out by hand from the counts of matching n-grams.</summary>
public class BleuTests
{
    [Fact]
    public void Equal_sentences_score_100() => Assert.Equal(100, Bleu.Corpus([("Gets or sets the name.", "Gets or sets the name.")]), 10);

    [Fact]
    public void One_wrong_word_of_five_takes_each_order_down()
    {
        // Matches 4/5, 3/4, 2/3 and 1/2; their product is 1/5.
        Assert.Equal(100 * Math.Pow(0.2, 0.25), Bleu.Corpus([("a b c d f", "a b c d e")]), 10);
    }

    [Fact]
    public void A_short_candidate_pays_the_brevity_penalty()
        => Assert.Equal(100 * Math.Exp(1 - 5.0 / 4), Bleu.Corpus([("a b c d", "a b c d e")]), 10);

    [Fact]
    public void A_repeated_word_counts_no_more_often_than_in_the_reference()
    {
        // Unigrams 4 + 2 clipped of 8, bigrams 3 + 0 of 6, trigrams 2 + 0 of 4, four-grams 1 + 0 of 2.
        var expected = 100 * Math.Pow(6.0 / 8 * 3 / 6 * 2 / 4 * 1 / 2, 0.25);
        Assert.Equal(expected, Bleu.Corpus([("a b c d", "a b c d"), ("x x x x", "x y x z")]), 10);
    }

    [Fact]
    public void Counts_are_added_over_the_corpus_before_dividing()
    {
        var perSentence = (Bleu.Corpus([("a b c d e", "a b c d e")]) + Bleu.Corpus([("a b c d f", "a b c d e")])) / 2;
        var expected = 100 * Math.Pow(9.0 / 10 * 7 / 8 * 5 / 6 * 3 / 4, 0.25);
        var corpus = Bleu.Corpus([("a b c d e", "a b c d e"), ("a b c d f", "a b c d e")]);
        Assert.Equal(expected, corpus, 10);
        Assert.NotEqual(perSentence, corpus, 3);
    }

    [Fact]
    public void Punctuation_is_a_word_and_white_space_is_not()
        => Assert.Equal(100, Bleu.Corpus([("Gets the List<T> , now .", "Gets  the List < T >, now.")]), 10);

    [Fact]
    public void Nothing_in_common_scores_0() => Assert.Equal(0, Bleu.Corpus([("a b c d", "e f g h")]));
}
