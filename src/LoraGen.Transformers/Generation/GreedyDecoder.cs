using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Generation;

/// <summary>Writes on by the likeliest token, many prompts at a time.</summary>
/// <param name="model">The model, with whatever adapter is active; a token costs less where that is in evaluation mode (<c>adapter.eval()</c>).</param>
/// <param name="endId">Token that ends a row; it pads too.</param>
public sealed class GreedyDecoder(LlamaForCausalLM model, int endId)
{
    // Finite, since a padding row whose every score were minus infinity would become NaN; its softmax against a real score is 0.
    private const double Hidden = -1e4;

    /// <summary>Continues each prompt until the end token or <paramref name="maxNewTokens"/>.</summary>
    /// <param name="prompts">Token ids; prompts of like length are best put together by the caller.</param>
    /// <param name="maxNewTokens">Upper bound of the tokens to write.</param>
    /// <returns>The new tokens of each prompt, without the end token.</returns>
    public IReadOnlyList<int[]> Generate(IReadOnlyList<int[]> prompts, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var cache = new KeyValueCache(model.Config.NumHiddenLayers);
        var weights = model.parameters().First();
        var (device, dtype) = (weights.device, weights.dtype);
        var (ids, padding) = LeftPad(prompts, device, dtype);
        var rows = prompts.Select(_ => new List<int>()).ToArray();
        var open = Enumerable.Range(0, prompts.Count).ToHashSet();

        var time = ids.shape[1];
        var causal = full([time, time], Hidden, dtype: dtype, device: device).triu(1);
        var next = Next(ids, cache, padding.minimum(causal));
        for (var step = 0; step < maxNewTokens; step++)
        {
            var tokens = next.cpu().data<long>().ToArray();
            foreach (var row in open.ToList())
            {
                if (tokens[row] == endId)
                {
                    open.Remove(row);
                }
                else
                {
                    rows[row].Add((int)tokens[row]);
                }
            }

            if (open.Count == 0 || step + 1 == maxNewTokens)
            {
                break;
            }

            using var stepScope = NewDisposeScope();
            padding = cat([padding, zeros_like(padding.narrow(3, 0, 1))], dim: 3).MoveToOuterDisposeScope();
            next = Next(next.unsqueeze(1), cache, padding).MoveToOuterDisposeScope();
        }

        return [.. rows.Select(row => row.ToArray())];
    }

    private Tensor Next(Tensor ids, KeyValueCache cache, Tensor mask)
    {
        using var scope = NewDisposeScope();
        var last = model.Hidden(ids, cache, mask).select(1, -1);
        return model.Logits(last).argmax(-1).MoveToOuterDisposeScope();
    }

    // Padding on the left keeps all rows at the same step. Rotary positions count differences only, so a shifted row is the same row.
    private (Tensor Ids, Tensor Padding) LeftPad(IReadOnlyList<int[]> prompts, Device device, ScalarType dtype)
    {
        var time = prompts.Max(prompt => prompt.Length);
        var ids = new long[prompts.Count * time];
        var padding = new float[prompts.Count * time];
        for (var row = 0; row < prompts.Count; row++)
        {
            var gap = time - prompts[row].Length;
            for (var t = 0; t < time; t++)
            {
                ids[row * time + t] = t < gap ? endId : prompts[row][t - gap];
                padding[row * time + t] = t < gap ? (float)Hidden : 0;
            }
        }

        return (tensor(ids, [prompts.Count, time], device: device), tensor(padding, [prompts.Count, 1, 1, time], dtype: dtype, device: device));
    }
}
