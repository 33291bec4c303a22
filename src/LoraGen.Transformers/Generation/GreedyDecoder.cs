using LoraGen.Transformers.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Generation;

/// <summary>Writes on by the likeliest token, many prompts at a time.</summary>
/// <param name="model">
/// The model, with whatever adapter is active; on a bf16 base a token costs less where that is frozen and in evaluation mode, as
/// <see cref="LowRankUpdate"/> says.
/// </param>
/// <param name="endId">Token that ends a row; it pads too.</param>
public sealed class GreedyDecoder(ICausalLM model, int endId)
{
    /// <summary>Continues each prompt until the end token or <paramref name="maxNewTokens"/>.</summary>
    /// <param name="prompts">Token ids; prompts of like length are best put together by the caller.</param>
    /// <param name="maxNewTokens">Upper bound of the tokens to write.</param>
    /// <returns>The new tokens of each prompt, without the end token.</returns>
    public IReadOnlyList<int[]> Generate(IReadOnlyList<int[]> prompts, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var (ids, tokens) = LeftPad(prompts);
        using var cache = new KeyValueCache(model.NumHiddenLayers, ids.shape[1] + maxNewTokens);
        var rows = prompts.Select(_ => new List<int>()).ToArray();
        var open = Enumerable.Range(0, prompts.Count).ToHashSet();

        var next = Next(ids, cache, tokens);
        for (var step = 0; step < maxNewTokens; step++)
        {
            var chosen = next.cpu().data<long>().ToArray();
            foreach (var row in open.ToList())
            {
                if (chosen[row] == endId)
                {
                    open.Remove(row);
                }
                else
                {
                    rows[row].Add((int)chosen[row]);
                }
            }

            if (open.Count == 0 || step + 1 == maxNewTokens)
            {
                break;
            }

            using var stepScope = NewDisposeScope();
            tokens = cat([tokens, ones_like(tokens.narrow(1, 0, 1))], dim: 1).MoveToOuterDisposeScope();
            next = Next(next.unsqueeze(1), cache, tokens).MoveToOuterDisposeScope();
        }

        return [.. rows.Select(row => row.ToArray())];
    }

    private Tensor Next(Tensor ids, KeyValueCache cache, Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var last = model.Hidden(ids, cache, tokens).select(1, -1);
        return model.Logits(last).argmax(-1).MoveToOuterDisposeScope();
    }

    // Padding on the left keeps all rows at the same step.
    private (Tensor Ids, Tensor Tokens) LeftPad(IReadOnlyList<int[]> prompts)
    {
        var time = prompts.Max(prompt => prompt.Length);
        var ids = new long[prompts.Count * time];
        var isToken = new bool[prompts.Count * time];
        for (var row = 0; row < prompts.Count; row++)
        {
            var gap = time - prompts[row].Length;
            for (var t = 0; t < time; t++)
            {
                ids[row * time + t] = t < gap ? endId : prompts[row][t - gap];
                isToken[row * time + t] = t >= gap;
            }
        }

        return (tensor(ids, [prompts.Count, time], device: model.Device), tensor(isToken, [prompts.Count, time], device: model.Device));
    }
}
