using LoraGen.Transformers.Generation;
using TorchSharp;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>Beam search finds what a search through all texts finds, where it has beams enough; with fewer, what the rules say, done in loops.</summary>
public sealed class BeamSearchTests
{
    private const int Vocabulary = 4;
    private const int End = 1;
    private const int Steps = 3;

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(2.5)]
    public void With_a_beam_for_each_text_the_best_of_all(double lengthPenalty)
    {
        for (var seed = 0; seed < 8; seed++)
        {
            var model = new TableModel(Vocabulary, seed);
            var options = new GenerationOptions
            {
                NumBeams = (int)Math.Pow(Vocabulary, Steps), MaxNewTokens = Steps, EosTokenIds = [End], LengthPenalty = lengthPenalty, EarlyStopping = EarlyStopping.Never,
            };
            var best = All(model, [2, 0]).MaxBy(text => text.Sum / Math.Pow(text.Length, lengthPenalty));
            Assert.Equal(best.Ids, model.Write([[2, 0]], options)[0].Ids);
        }
    }

    [Theory]
    [InlineData(2, 1.0, EarlyStopping.Heuristic)]
    [InlineData(3, 1.0, EarlyStopping.Always)]
    [InlineData(3, 2.0, EarlyStopping.Never)]
    [InlineData(3, -1.0, EarlyStopping.Never)]
    [InlineData(4, 0.3, EarlyStopping.Heuristic)]
    public void With_few_beams_what_the_rules_say(int beams, double lengthPenalty, EarlyStopping early)
    {
        for (var seed = 0; seed < 12; seed++)
        {
            var model = new TableModel(6, 100 + seed);
            var options = new GenerationOptions { NumBeams = beams, MaxNewTokens = 9, EosTokenIds = [End, 5], LengthPenalty = lengthPenalty, EarlyStopping = early };
            Assert.Equal(Naive(model, [3, 2], options), model.Write([[3, 2]], options)[0].Ids);
        }
    }

    [Fact]
    public void A_batch_of_different_lengths_gives_what_each_gives_alone_with_a_cache_and_without()
    {
        var model = new TableModel(6, 3);
        int[][] prompts = [[3, 2, 4, 4], [0], [2, 3]];
        var options = new GenerationOptions { NumBeams = 3, MaxNewTokens = 8, EosTokenIds = [End] };
        var alone = prompts.Select(prompt => Naive(model, prompt, options)).ToArray();
        Assert.Equal(alone, model.Write(prompts, options).Select(result => result.Ids.ToArray()));
        Assert.Equal(alone, model.Write(prompts, options with { UseCache = false }).Select(result => result.Ids.ToArray()));
    }

    [Fact]
    public void No_repeated_ngrams_in_any_beam()
    {
        var options = new GenerationOptions { NumBeams = 3, MaxNewTokens = 12, EosTokenIds = [], NoRepeatNgramSize = 2 };
        var ids = new TableModel(5, 9).Write([[1, 2]], options)[0].Ids.Prepend(2).Prepend(1).ToList();
        var pairs = ids.Zip(ids.Skip(1)).ToList();
        Assert.Equal(14, ids.Count);
        Assert.Equal(pairs.Count, pairs.Distinct().Count());
    }

    [Fact]
    public void It_says_why_a_text_ended()
    {
        var model = new TableModel(Vocabulary, 0);
        var options = new GenerationOptions { NumBeams = 2, MaxNewTokens = 5, EosTokenIds = [] };
        Assert.Equal(FinishReason.Length, model.Write([[2]], options)[0].Finish);
        Assert.Equal(FinishReason.EndToken, model.Write([[2]], options with { EosTokenIds = [0, 1, 2], LengthPenalty = -5, MaxNewTokens = 30 })[0].Finish);
    }

    [Fact]
    public void Nothing_is_left_behind()
    {
        var model = new TableModel(6, 3);
        var options = new GenerationOptions { NumBeams = 3, MaxNewTokens = 60, EosTokenIds = [] };
        model.Write([[3], [1, 2]], options);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        model.Write([[3], [1, 2]], options);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    // Every text of up to Steps tokens; one that ends before has the end token in its sum and its length.
    private static IEnumerable<(int[] Ids, double Sum, int Length)> All(TableModel model, int[] prompt, int[]? ids = null, double sum = 0)
    {
        ids ??= [];
        if (ids.Length == Steps)
            return [(ids, sum, Steps)];
        var log = LogSoftmax(model.Logits([.. prompt, .. ids]));
        return Enumerable.Range(0, Vocabulary).SelectMany(id => id == End
            ? [(ids, sum + log[id], ids.Length + 1)]
            : All(model, prompt, [.. ids, id], sum + log[id]));
    }

    private static int[] Naive(TableModel model, int[] prompt, GenerationOptions options)
    {
        var open = new List<(int[] Ids, double Sum)> { ([], 0) };
        var found = new List<(int[] Ids, double Score)>();
        for (var length = 1; length <= options.MaxNewTokens; length++)
        {
            var ranked = open
                .SelectMany(beam => LogSoftmax(model.Logits([.. prompt, .. beam.Ids])).Select((log, id) => (beam.Ids, Id: id, Sum: beam.Sum + log)))
                .OrderByDescending(candidate => candidate.Sum).ToList();
            found.AddRange(ranked.Take(options.NumBeams).Where(candidate => options.EosTokenIds!.Contains(candidate.Id)).Select(candidate => (candidate.Ids, Score(candidate.Sum, length))));
            found = [.. found.OrderByDescending(text => text.Score).Take(options.NumBeams)];
            open = [.. ranked.Where(candidate => !options.EosTokenIds!.Contains(candidate.Id)).Take(options.NumBeams).Select(candidate => ((int[])[.. candidate.Ids, candidate.Id], candidate.Sum))];
            if (found.Count == options.NumBeams && (options.EarlyStopping == EarlyStopping.Always
                || found[^1].Score >= Score(ranked[0].Sum, options is { EarlyStopping: EarlyStopping.Never, LengthPenalty: > 0 } ? options.MaxNewTokens!.Value : length)))
                return found[0].Ids;
        }

        return found.Concat(open.Select(beam => (beam.Ids, Score(beam.Sum, options.MaxNewTokens!.Value)))).MaxBy(text => text.Item2).Ids;

        double Score(double sum, int length) => sum / Math.Pow(length, options.LengthPenalty);
    }

    private static double[] LogSoftmax(double[] logits)
    {
        var log = Math.Log(logits.Sum(Math.Exp));
        return [.. logits.Select(logit => logit - log)];
    }
}
