using LoraGen.Transformers.Generation;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>Each processor does to random scores what its definition does to them in loops and float64.</summary>
public sealed class LogitsProcessorTests
{
    private const int Vocabulary = 11;

    private static readonly int[][] Rows = [[1, 2, 3, 1, 2], [0], [4, 4, 4, 4], [5, 6, 7, 8, 9, 10, 5, 6, 7]];

    [Theory]
    [InlineData(1.3)]
    [InlineData(0.7)]
    public void The_repetition_penalty(double penalty)
        => Holds(scores => LogitsProcessors.RepetitionPenalty(scores, Rows, penalty), (score, row, id)
            => !Rows[row].Contains(id) ? score[id] : score[id] < 0 ? score[id] * penalty : score[id] / penalty);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    public void No_repeated_ngrams(int size)
        => Holds(scores => LogitsProcessors.NoRepeatNgrams(scores, Rows, size), (score, row, id)
            => Ngrams(Rows[row], size).Contains(string.Join(' ', Rows[row].Append(id).TakeLast(size))) && Rows[row].Length + 1 >= size ? double.NegativeInfinity : score[id]);

    [Theory]
    [InlineData(0.5)]
    [InlineData(2.0)]
    public void The_temperature(double temperature)
        => Holds(scores => LogitsProcessors.Temperature(scores, temperature), (score, _, id) => score[id] / temperature);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(99)]
    public void The_likeliest_k(int k)
        => Holds(scores => LogitsProcessors.TopK(scores, k), (score, _, id) => score.Count(other => other > score[id]) < k ? score[id] : double.NegativeInfinity);

    // A token stays where those likelier than it do not reach p by themselves.
    [Theory]
    [InlineData(1e-9)]
    [InlineData(0.3)]
    [InlineData(0.75)]
    [InlineData(0.99)]
    public void The_likeliest_whose_probabilities_reach_p(double p)
        => Holds(scores => LogitsProcessors.TopP(scores, p), (score, _, id)
            => score.Where(other => other > score[id]).Sum(Math.Exp) / score.Sum(Math.Exp) < p ? score[id] : double.NegativeInfinity);

    [Fact]
    public void Nothing_is_left_behind()
    {
        using var scores = Scores(1);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        LogitsProcessors.RepetitionPenalty(scores, Rows, 1.5).Dispose();
        LogitsProcessors.NoRepeatNgrams(scores, Rows, 2).Dispose();
        LogitsProcessors.NoRepeatNgrams(scores, Rows, 9).Dispose();
        LogitsProcessors.TopK(scores, 3).Dispose();
        LogitsProcessors.TopP(scores, 0.5).Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static void Holds(Func<Tensor, Tensor> processor, Func<double[], int, int, double> definition)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            using var scores = Scores(seed);
            var given = scores.data<float>().ToArray().Select(score => (double)score).Chunk(Vocabulary).ToArray();
            using var found = processor(scores);
            var processed = found.data<float>().ToArray().Chunk(Vocabulary).ToArray();
            for (var row = 0; row < Rows.Length; row++)
            {
                for (var id = 0; id < Vocabulary; id++)
                {
                    Assert.Equal(definition(given[row], row, id), processed[row][id], tolerance: 1e-5);
                }
            }

            Assert.Equal(given.SelectMany(row => row), scores.data<float>().ToArray().Select(score => (double)score));
        }
    }

    private static Tensor Scores(int seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return randn([Rows.Length, Vocabulary], generator: generator) * 2;
    }

    private static HashSet<string> Ngrams(int[] row, int size)
        => [.. Enumerable.Range(0, Math.Max(0, row.Length - size + 1)).Select(start => string.Join(' ', row.Skip(start).Take(size)))];
}
