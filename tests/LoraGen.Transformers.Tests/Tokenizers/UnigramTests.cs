using System.Globalization;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>Of all ways to spell a word, the one with the highest sum of scores, found by trying all of them in float64.</summary>
public sealed class UnigramTests
{
    private static readonly (string Piece, double Score)[] Pieces = Random();

    [Fact]
    public void The_likeliest_spelling_of_random_words()
    {
        var tokenizer = JsonTokenizer.Load($$"""
            "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], {{string.Join(", ", Pieces.Select(piece => $"[\"{piece.Piece}\", {piece.Score.ToString(CultureInfo.InvariantCulture)}]"))}}]}
            """);
        var random = new Random(1);
        for (var attempt = 0; attempt < 300; attempt++)
        {
            var word = string.Concat(random.GetItems("abcd\u2581abcd\u2581xé".ToCharArray(), random.Next(1, 9)));
            Assert.Equal(Fused(Best(word).Ids), tokenizer.Encode(word));
        }
    }

    [Fact]
    public void A_character_that_is_not_there_becomes_its_bytes_where_the_model_has_them()
    {
        var bytes = string.Join(", ", Enumerable.Range(0, 256).Select(value => $"[\"<0x{value:X2}>\", -9]"));
        var tokenizer = JsonTokenizer.Load($$"""
            "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": true, "vocab": [["<unk>", 0], ["a", -1], {{bytes}}]}
            """);
        Assert.Equal("a|<0xC3>|<0xA9>|a", tokenizer.Tokens("aéa"));
        Assert.Equal("<0xF0>|<0x9F>|<0x98>|<0x80>|<0xC3>|<0xA9>", tokenizer.Tokens("😀é"));
    }

    [Theory]
    [InlineData("\"unk_id\": null, \"vocab\": [[\"a\", 0]]", "model.unk_id: expected a whole number")]
    [InlineData("\"unk_id\": 1, \"vocab\": [[\"a\", 0]]", "model.unk_id: expected the id of a token of model.vocab, found 1")]
    [InlineData("\"unk_id\": 0, \"vocab\": [[\"a\"]]", "model.vocab[0]: expected a token and its score")]
    [InlineData("\"unk_id\": 0, \"vocab\": [[\"a\", \"b\"]]", "expected a number")]
    public void A_malformed_model(string model, string expected)
        => Assert.Contains(expected, Assert.Throws<LoraException>(() => JsonTokenizer.Load($$""" "model": {"type": "Unigram", {{model}} } """)).Message, StringComparison.Ordinal);

    // An unknown character costs ten more than the worst piece.
    private static (List<int> Ids, double Score) Best(string word)
    {
        if (word.Length == 0)
            return ([], 0);
        var choices = Pieces.Select((piece, index) => (piece.Piece, Id: index + 1, piece.Score)).Where(piece => word.StartsWith(piece.Piece, StringComparison.Ordinal)).ToList();
        if (!choices.Any(choice => choice.Piece.Length == 1))
            choices.Add((word[..1], 0, Pieces.Min(piece => piece.Score) - 10));
        return choices.Select(choice => Best(word[choice.Piece.Length..]) is var rest ? ((List<int>)[choice.Id, .. rest.Ids], choice.Score + rest.Score) : default).MaxBy(spelling => spelling.Item2);
    }

    private static IEnumerable<int> Fused(List<int> ids) => ids.Where((id, index) => id != 0 || index == 0 || ids[index - 1] != 0);

    private static (string, double)[] Random()
    {
        var random = new Random(7);
        var pieces = "abc\u2581".Select(letter => letter.ToString()).ToHashSet();
        while (pieces.Count < 60)
        {
            pieces.Add(string.Concat(random.GetItems("abcd\u2581".ToCharArray(), random.Next(2, 5))));
        }

        return [.. pieces.Select(piece => (piece, Math.Round(-random.NextDouble() * 4 - piece.Length, 3)))];
    }
}
