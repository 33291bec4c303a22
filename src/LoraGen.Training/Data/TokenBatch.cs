using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Training.Data;

/// <summary>Right-padded sequences and what each position should predict. With causal attention the padding needs no mask.</summary>
public sealed class TokenBatch : IDisposable
{
    /// <summary>Label of a position that the loss leaves out (PyTorch's <c>ignore_index</c>).</summary>
    public const long Ignored = -100;

    private TokenBatch(Tensor ids, Tensor labels, int tokenCount)
    {
        (Ids, Labels, TokenCount) = (ids, labels, tokenCount);
    }

    /// <summary>Token ids [batch, time], int64.</summary>
    public Tensor Ids { get; }

    /// <summary>The next token of every position [batch, time], int64; <see cref="Ignored"/> for prompt and padding.</summary>
    public Tensor Labels { get; }

    /// <summary>Number of tokens that are not padding.</summary>
    public int TokenCount { get; }

    /// <summary>Pads examples to the longest of them.</summary>
    /// <param name="examples">At least one example of at least two tokens.</param>
    /// <param name="paddingId">Token that fills the rows up.</param>
    /// <param name="device">Where the tensors go.</param>
    public static TokenBatch Of(IReadOnlyList<TokenExample> examples, int paddingId, Device? device = null)
    {
        var time = examples.Max(example => example.Tokens.Length) - 1;
        var ids = new long[examples.Count * time];
        var labels = new long[examples.Count * time];
        Array.Fill(ids, paddingId);
        Array.Fill(labels, Ignored);
        for (var row = 0; row < examples.Count; row++)
        {
            var (tokens, prompt) = (examples[row].Tokens, examples[row].PromptLength);
            for (var t = 0; t + 1 < tokens.Length; t++)
            {
                ids[row * time + t] = tokens[t];
                labels[row * time + t] = t + 1 >= prompt ? tokens[t + 1] : Ignored;
            }
        }

        return new TokenBatch(
            tensor(ids, [examples.Count, time], device: device).DetachFromDisposeScope(),
            tensor(labels, [examples.Count, time], device: device).DetachFromDisposeScope(),
            examples.Sum(example => example.Tokens.Length - 1));
    }

    /// <summary>Frees both tensors.</summary>
    public void Dispose()
    {
        Ids.Dispose();
        Labels.Dispose();
    }
}
