using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Generation;

/// <summary>Chooses each row's next token: the likeliest, or one that is drawn.</summary>
internal sealed class TokenChooser(GenerationOptions options, Device device) : IDisposable
{
    private readonly Generator? _random = options.DoSample ? new(options.Seed ?? (ulong)Random.Shared.NextInt64(), device) : null;

    /// <param name="logits">Float32 [batch, vocab].</param>
    /// <param name="rows">The tokens of each row so far, the prompt's included.</param>
    public int[] Choose(Tensor logits, IReadOnlyList<IReadOnlyList<int>> rows)
    {
        using var scope = NewDisposeScope();
        var scores = WithoutRepetition(logits, rows, options);
        var chosen = _random is null ? scores.argmax(-1) : multinomial(Warped(scores).softmax(-1), 1, replacement: false, _random);
        return [.. chosen.cpu().data<long>().Select(id => (int)id)];
    }

    /// <summary>The processors that beam search applies too, in Hugging Face's order.</summary>
    public static Tensor WithoutRepetition(Tensor scores, IReadOnlyList<IReadOnlyList<int>> rows, GenerationOptions options)
    {
        if (options.RepetitionPenalty != 1)
        {
            scores = LogitsProcessors.RepetitionPenalty(scores, rows, options.RepetitionPenalty);
        }

        return options.NoRepeatNgramSize > 0 ? LogitsProcessors.NoRepeatNgrams(scores, rows, options.NoRepeatNgramSize) : scores;
    }

    public void Dispose() => _random?.Dispose();

    private Tensor Warped(Tensor scores)
    {
        if (options.Temperature != 1)
        {
            scores = LogitsProcessors.Temperature(scores, options.Temperature);
        }

        if (options.TopK > 0)
        {
            scores = LogitsProcessors.TopK(scores, options.TopK);
        }

        return options.TopP < 1 ? LogitsProcessors.TopP(scores, options.TopP) : scores;
    }
}
