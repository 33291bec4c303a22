using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using LoraGen.Transformers.Tokenizers;
using TorchSharp;
using static LoraGen.Transformers.Generation.GenerationOptions;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Generation;

/// <summary>Writes on after prompts: greedily, by drawing, or by beam search.</summary>
/// <param name="model">
/// The model in evaluation mode, with whatever adapter is active; on a bf16 base a token costs less where that is frozen, as
/// <see cref="LowRankUpdate"/> says. It must be left as it is while a text is written.
/// </param>
/// <param name="tokenizer">The model's tokenizer; null where ids are all that is wanted.</param>
public sealed class TextGenerator(ICausalLM model, TextTokenizer? tokenizer = null)
{
    /// <summary>Continues prompts of any lengths, all at once; each becomes what it becomes alone.</summary>
    /// <param name="prompts">Token ids. Prompts of like length together cost least, since shorter ones are padded.</param>
    /// <param name="options">How to write; null takes the defaults.</param>
    /// <param name="cancellation">Asked before each token.</param>
    /// <returns>What was written after each prompt, in their order.</returns>
    /// <exception cref="LoraException">An option or a prompt is refused.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<GenerationResult> Generate(IReadOnlyList<int[]> prompts, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        options = Checked(prompts, options);
        if (options.NumBeams > 1)
        {
            var search = new BeamSearch(model, options, Ends(options), PadId(options));
            return [.. prompts.Zip(
                search.Run(prompts, [.. prompts.Select(prompt => options.NewTokensAfter(prompt.Length))], cancellation),
                (prompt, best) => new GenerationResult(best.Ids, Text(prompt, best.Ids), best.Ended ? FinishReason.EndToken : FinishReason.Length))];
        }

        var (ids, texts, finishes) = (prompts.Select(_ => new List<int>()).ToArray(), prompts.Select(_ => new StringBuilder()).ToArray(), new FinishReason[prompts.Count]);
        Write(prompts, options, Collect, cancellation);
        return [.. prompts.Select((_, row) => new GenerationResult(ids[row], tokenizer is null ? null : texts[row].ToString(), finishes[row]))];

        void Collect(int row, GenerationUpdate update)
        {
            if (update.Id is { } id)
            {
                ids[row].Add(id);
            }

            texts[row].Append(update.Text);
            finishes[row] = update.Finish ?? finishes[row];
        }
    }

    /// <summary>Continues a text, with the special tokens around it that the tokenizer adds.</summary>
    /// <param name="prompt">The text.</param>
    /// <param name="options">How to write; null takes the defaults.</param>
    /// <param name="cancellation">Asked before each token.</param>
    /// <exception cref="LoraException">An option or the prompt is refused, or there is no tokenizer.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public GenerationResult GenerateText(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
        => Generate([Encode(prompt)], options, cancellation)[0];

    /// <summary>Continues a text and tells of each token as it comes. The work is done on a thread of its own, which ends when the caller stops.</summary>
    /// <param name="prompt">The text.</param>
    /// <param name="options">How to write; null takes the defaults. Beam search cannot be streamed.</param>
    /// <param name="cancellation">Asked before each token.</param>
    /// <exception cref="LoraException">An option or the prompt is refused, or there is no tokenizer.</exception>
    public IAsyncEnumerable<GenerationUpdate> StreamText(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
        => Stream(Encode(prompt), options, cancellation);

    /// <summary>Continues token ids and tells of each token as it comes. The work is done on a thread of its own, which ends when the caller stops.</summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="options">How to write; null takes the defaults. Beam search cannot be streamed.</param>
    /// <param name="cancellation">Asked before each token.</param>
    /// <exception cref="LoraException">An option or the prompt is refused.</exception>
    public IAsyncEnumerable<GenerationUpdate> Stream(int[] prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        options = Checked([prompt], options);
        Require(options.NumBeams == 1, "num_beams", "1 in a stream, since beam search knows its text only at the end", options.NumBeams);
        return Updates(prompt, options, cancellation);
    }

    private async IAsyncEnumerable<GenerationUpdate> Updates(int[] prompt, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var updates = Channel.CreateUnbounded<GenerationUpdate>(new() { SingleReader = true, SingleWriter = true });

        // Gradient mode and dispose scopes belong to a thread: the whole text is written on one.
        var writing = Task.Factory.StartNew(Produce, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await foreach (var update in updates.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                yield return update;
            }
        }
        finally
        {
            // Whoever stops early may dispose the model next.
            await stop.CancelAsync().ConfigureAwait(false);
            await writing.ConfigureAwait(false);
        }

        void Produce()
        {
            try
            {
                Write([prompt], options, (_, update) => updates.Writer.TryWrite(update), stop.Token);
                updates.Writer.Complete();
            }
            catch (Exception e)
            {
                updates.Writer.Complete(e);
            }
        }
    }

    private void Write(IReadOnlyList<int[]> prompts, GenerationOptions options, Action<int, GenerationUpdate> report, CancellationToken cancellation)
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var (ends, padId) = (Ends(options), PadId(options));
        var limits = prompts.Select(prompt => options.NewTokensAfter(prompt.Length)).ToArray();
        var texts = prompts.Select(prompt => tokenizer is null ? null : new ContinuedText(new(tokenizer, skipSpecialTokens: true, after: prompt), options.StopStrings)).ToArray();
        using var session = new DecodingSession(model, prompts, limits.Max(), padId, options.UseCache);
        using var chooser = new TokenChooser(options, model.Device);
        var open = Enumerable.Range(0, prompts.Count).ToHashSet();
        for (var written = 1; open.Count > 0; written++)
        {
            cancellation.ThrowIfCancellationRequested();
            var chosen = Choose();
            foreach (var row in open.ToList())
            {
                if (ends.Contains(chosen[row]))
                {
                    Finish(row, FinishReason.EndToken);
                    continue;
                }

                report(row, new(chosen[row], texts[row]?.Push(chosen[row]) ?? "", null));
                if (texts[row] is { Stopped: true })
                {
                    Finish(row, FinishReason.StopString);
                }
                else if (written == limits[row])
                {
                    Finish(row, FinishReason.Length);
                }
            }

            session.Append([.. chosen.Select((id, row) => open.Contains(row) ? id : padId)]);
        }

        int[] Choose()
        {
            using var step = NewDisposeScope();
            return chooser.Choose(session.Next(), session.Rows);
        }

        void Finish(int row, FinishReason reason)
        {
            open.Remove(row);
            report(row, new(null, texts[row]?.Finish() ?? "", reason));
        }
    }

    private GenerationOptions Checked(IReadOnlyList<int[]> prompts, GenerationOptions? options)
    {
        options ??= new();
        options.Check();
        Require(options.StopStrings.Count == 0 || tokenizer is not null, "stop_strings", "none where the generator has no tokenizer", options.StopStrings.Count);
        Require(options.PadTokenId is null || (options.PadTokenId >= 0 && options.PadTokenId < model.VocabSize), "pad_token_id", $"0 to {model.VocabSize - 1}", options.PadTokenId);
        Require(prompts.Count > 0, "prompts", "one or more", 0);
        foreach (var prompt in prompts)
        {
            Require(prompt.Length > 0, "prompt", "one token or more, such as the one that begins a sequence", 0);
            foreach (var id in prompt)
            {
                Require(id >= 0 && id < model.VocabSize, "prompt", $"ids of 0 to {model.VocabSize - 1}, the model's vocabulary", id);
            }

            var limit = options.NewTokensAfter(prompt.Length);
            Require(limit > 0, "max_length", $"more than the prompt's {prompt.Length} tokens", options.MaxLength);
            Require(
                prompt.Length + limit <= model.MaxPositionEmbeddings,
                "max_new_tokens",
                $"at most {model.MaxPositionEmbeddings} tokens of prompt and continuation, which is what the model reads",
                $"a prompt of {prompt.Length} and {limit} more");
        }

        return options;
    }

    private int[] Encode(string prompt) => tokenizer is not null
        ? tokenizer.Encode(prompt)
        : throw new LoraException("Generation: the prompt: expected token ids where the generator has no tokenizer, found a text.");

    private HashSet<int> Ends(GenerationOptions options) => [.. options.EosTokenIds ?? (tokenizer?.EosId is { } end ? [end] : [])];

    private int PadId(GenerationOptions options) => options.PadTokenId ?? Ends(options).FirstOrDefault(id => id >= 0 && id < model.VocabSize);

    private string? Text(int[] prompt, IReadOnlyList<int> ids)
    {
        if (tokenizer is null)
        {
            return null;
        }

        var decoder = new StreamingDecoder(tokenizer, skipSpecialTokens: true, after: prompt);
        return string.Concat(ids.Select(decoder.Push)) + decoder.Finish();
    }
}
