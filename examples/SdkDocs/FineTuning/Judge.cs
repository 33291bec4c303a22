using LoraGen.Training;
using LoraGen.Training.Data;
using LoraGen.Training.Metrics;
using LoraGen.Transformers.Generation;
using LoraGen.Transformers.Llama;
using SdkDocs.Output;
using TorchSharp;
using static TorchSharp.torch;

namespace SdkDocs.FineTuning;

/// <summary>Judges a model by the held-out members: how likely their summaries are to it, and what it writes itself.</summary>
internal sealed class Judge(DocTask task, Device device)
{
    private const int TokensPerBatch = 4096;
    private const int RowsPerBatch = 64;
    private const int MaxSummaryTokens = 96;

    /// <summary>Mean negative log-likelihood of the held-out summary tokens, in nats.</summary>
    public double Loss(LlamaForCausalLM model, CancellationToken cancellation)
    {
        using var inference = no_grad();
        var (sum, count) = (0.0, 0L);
        foreach (var examples in new BatchSampler([.. task.HeldOut.Select(pair => pair.Example)], TokensPerBatch, seed: 0).Epoch(0))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of(examples, task.Tokenizer.EndId, device);
            sum += CausalLmLoss.Compute(model.Hidden(batch.Ids), model.Logits, batch.Labels, nn.Reduction.Sum).item<float>();
            count += batch.Labels.ne(TokenBatch.Ignored).sum().item<long>();
        }

        return sum / count;
    }

    /// <summary>The greedy summary of every held-out member, in their order.</summary>
    public IReadOnlyList<string> Summaries(string title, LlamaForCausalLM model, CancellationToken cancellation) => ProgressDisplay.Show(title, show =>
    {
        var generator = new TextGenerator(model);
        var greedy = new GenerationOptions { MaxNewTokens = MaxSummaryTokens, EosTokenIds = [task.Tokenizer.EndId] };
        var summaries = new string[task.HeldOut.Count];
        var done = 0;

        // Members of like length together, so that little padding is computed.
        foreach (var indices in Enumerable.Range(0, summaries.Length).OrderBy(i => task.HeldOut[i].Example.PromptLength).Chunk(RowsPerBatch))
        {
            var written = generator.Generate([.. indices.Select(i => task.Tokenizer.Prompt(task.HeldOut[i].Member))], greedy, cancellation);
            foreach (var (index, summary) in indices.Zip(written))
            {
                summaries[index] = task.Tokenizer.Decode(summary.Ids).Trim();
            }

            done += indices.Length;
            show(done, summaries.Length, $"{done} of {summaries.Length} held-out summaries written");
        }

        return summaries;
    });

    /// <summary>BLEU in per cent, and the share of summaries that equal the reference.</summary>
    public (double Bleu, double ExactMatch) Score(IReadOnlyList<string> summaries)
    {
        var references = task.HeldOut.Select(pair => pair.Member.Summary).ToList();
        return (
            Bleu.Corpus(summaries.Zip(references)),
            summaries.Zip(references).Count(pair => pair.First == pair.Second) / (double)references.Count);
    }
}
