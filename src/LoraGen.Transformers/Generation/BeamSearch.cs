using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Generation;

/// <summary>
/// Beam search as Hugging Face's: of each prompt, the likeliest continuations are followed side by side; a text that ends is kept with its
/// log-probability over its length to the power of the length penalty.
/// </summary>
internal sealed class BeamSearch(ICausalLM model, GenerationOptions options, IReadOnlySet<int> ends, int padId)
{
    // A beam that does not exist yet.
    private const double Impossible = -1e9;

    /// <summary>The best continuation of each prompt, without the end token.</summary>
    /// <param name="prompts">Token ids, none empty.</param>
    /// <param name="limits">The most new tokens of each.</param>
    /// <param name="cancellation">Asked before each step.</param>
    public IReadOnlyList<(int[] Ids, bool Ended)> Run(IReadOnlyList<int[]> prompts, IReadOnlyList<int> limits, CancellationToken cancellation)
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var beams = options.NumBeams;
        using var session = new DecodingSession(model, [.. prompts.SelectMany(prompt => Enumerable.Repeat(prompt, beams))], limits.Max(), padId, options.UseCache);
        var searches = prompts.Select((prompt, number) => new OnePrompt(prompt.Length, number * beams, limits[number], options, ends)).ToArray();
        for (var written = 1; ; written++)
        {
            cancellation.ThrowIfCancellationRequested();
            var candidates = Candidates(session, searches);
            var next = searches.Zip(candidates).SelectMany(pair => pair.First.Step(pair.Second, session.Rows, written)).ToArray();
            if (searches.All(search => search.Done))
            {
                return [.. searches.Select(search => search.Best)];
            }

            session.Reorder([.. next.Select(beam => beam.Row)]);
            session.Append([.. next.Select(beam => beam.Id)]);
        }
    }

    // The best candidates of each prompt, best first; so many that enough are left when all end tokens are taken away.
    private List<Candidate[]> Candidates(DecodingSession session, OnePrompt[] searches)
    {
        using var scope = NewDisposeScope();
        var (beams, vocabulary) = (options.NumBeams, model.VocabSize);
        var scores = TokenChooser.WithoutRepetition(session.Next().log_softmax(-1), session.Rows, options);
        var sums = tensor([.. searches.SelectMany(search => search.Scores)], ScalarType.Float32, scores.device);
        var all = (scores + sums.unsqueeze(1)).reshape(searches.Length, beams * vocabulary);
        var kept = Math.Min(Math.Max(2, 1 + ends.Count) * beams, beams * vocabulary);
        var (values, indices) = all.topk(kept);
        var (score, index) = (values.cpu().data<float>().ToArray(), indices.cpu().data<long>().ToArray());
        return [.. searches.Select((search, number) => Enumerable.Range(number * kept, kept)
            .Select(i => new Candidate(score[i], search.FirstRow + (int)(index[i] / vocabulary), (int)(index[i] % vocabulary))).ToArray())];
    }

    private readonly record struct Candidate(double Score, int Row, int Id);

    private sealed class OnePrompt(int promptLength, int firstRow, int limit, GenerationOptions options, IReadOnlySet<int> ends)
    {
        private readonly List<(double Score, int[] Ids, bool Ended)> _found = [];

        public int FirstRow => firstRow;

        public double[] Scores { get; private set; } = [0, .. Enumerable.Repeat(Impossible, options.NumBeams - 1)];

        public bool Done { get; private set; }

        public (int[] Ids, bool Ended) Best => _found.MaxBy(text => text.Score) is var best ? (best.Ids, best.Ended) : default;

        // Takes the step to `written` new tokens, and returns which row each beam goes on from, and by which token.
        public IEnumerable<Candidate> Step(Candidate[] candidates, IReadOnlyList<IReadOnlyList<int>> rows, int written)
        {
            var next = new List<Candidate>();
            for (var rank = 0; rank < candidates.Length && next.Count < options.NumBeams && !Done; rank++)
            {
                var candidate = candidates[rank];
                if (!ends.Contains(candidate.Id))
                {
                    next.Add(candidate);
                }
                else if (rank < options.NumBeams)
                {
                    Keep(candidate.Score, [.. rows[candidate.Row].Skip(promptLength)], ended: true, written);
                }
            }

            if (Done)
            {
                // The batch goes on without this prompt.
                return Enumerable.Repeat(new Candidate(0, firstRow, candidates[0].Id), options.NumBeams);
            }

            Scores = [.. next.Select(beam => beam.Score)];
            if (IsDone(candidates[0].Score, written))
            {
                Done = true;
            }
            else if (written == limit)
            {
                foreach (var beam in next)
                {
                    Keep(beam.Score, [.. rows[beam.Row].Skip(promptLength), beam.Id], ended: false, written);
                }

                Done = true;
            }

            return next;
        }

        // The end token counts as one of the length.
        private void Keep(double sum, int[] ids, bool ended, int length)
        {
            _found.Add((Penalized(sum, length), ids, ended));
            if (_found.Count > options.NumBeams)
            {
                _found.Remove(_found.MinBy(text => text.Score));
            }
        }

        private bool IsDone(double best, int written) => _found.Count >= options.NumBeams && (options.EarlyStopping switch
        {
            EarlyStopping.Always => true,
            EarlyStopping.Never when options.LengthPenalty > 0 => Worst() >= Penalized(best, limit),
            _ => Worst() >= Penalized(best, written),
        });

        private double Worst() => _found.Min(text => text.Score);

        private double Penalized(double sum, int length) => sum / Math.Pow(length, options.LengthPenalty);
    }
}
