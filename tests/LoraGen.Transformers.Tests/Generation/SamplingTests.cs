using LoraGen.Transformers.Generation;
using TorchSharp;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>Tokens are drawn as often as their probabilities say, and the same ones from the same seed.</summary>
public sealed class SamplingTests
{
    private const int Vocabulary = 8;
    private const int Draws = 4000;

    private static readonly TableModel Model = new(Vocabulary, seed: 5);
    private static readonly GenerationOptions Plain = new() { DoSample = true, TopK = 0, MaxNewTokens = 1, Seed = 17 };

    [Fact]
    public void By_the_probabilities_of_the_model() => Drawn(Plain, logits => logits);

    [Fact]
    public void By_a_temperature() => Drawn(Plain with { Temperature = 0.6 }, logits => [.. logits.Select(logit => logit / 0.6)]);

    // First the temperature, then the likeliest five, then the likeliest that reach 0.8 of what those have.
    [Fact]
    public void By_all_options_in_their_order()
        => Drawn(Plain with { RepetitionPenalty = 1.4, Temperature = 1.5, TopK = 5, TopP = 0.8 }, logits =>
        {
            var scores = logits.Select((logit, id) => (id is 2 or 3 ? (logit < 0 ? logit * 1.4 : logit / 1.4) : logit) / 1.5).ToArray();
            scores = [.. scores.Select(score => scores.Count(other => other > score) < 5 ? score : double.NegativeInfinity)];
            return [.. scores.Select(score => scores.Where(other => other > score).Sum(Math.Exp) / scores.Sum(Math.Exp) < 0.8 ? score : double.NegativeInfinity)];
        });

    [Fact]
    public void One_seed_gives_one_text_and_another_another()
    {
        var options = Plain with { MaxNewTokens = 40 };
        var text = Write(options);
        Assert.Equal(text, Write(options));
        Assert.NotEqual(text, Write(options with { Seed = 18 }));
    }

    [Fact]
    public void The_global_generator_is_left_alone()
    {
        torch.manual_seed(1);
        using var expected = torch.rand(4);
        torch.manual_seed(1);
        Write(Plain with { MaxNewTokens = 5 });
        using var found = torch.rand(4);
        Assert.Equal(expected.data<float>().ToArray(), found.data<float>().ToArray());
    }

    [Fact]
    public void Without_a_seed_two_texts_differ()
        => Assert.NotEqual(Write(Plain with { Seed = null, MaxNewTokens = 60 }), Write(Plain with { Seed = null, MaxNewTokens = 60 }));

    private static IReadOnlyList<int> Write(GenerationOptions options) => Model.Write([[2, 3]], options)[0].Ids;

    // Chi-square with at most 7 degrees of freedom is above 24.3 once in a thousand; the seed is fixed, so that it is so here or it is not.
    private static void Drawn(GenerationOptions options, Func<double[], double[]> expected)
    {
        var scores = expected(Model.Logits([2, 3]));
        var sum = scores.Sum(Math.Exp);
        var counts = new int[Vocabulary];
        foreach (var result in Model.Write([.. Enumerable.Repeat(new[] { 2, 3 }, Draws)], options))
        {
            counts[result.Ids[0]]++;
        }

        var chiSquare = 0.0;
        for (var id = 0; id < Vocabulary; id++)
        {
            var mean = Draws * Math.Exp(scores[id]) / sum;
            if (mean == 0)
                Assert.Equal(0, counts[id]);
            else
                chiSquare += (counts[id] - mean) * (counts[id] - mean) / mean;
        }

        Assert.InRange(chiSquare, 0, 24.3);
    }
}
