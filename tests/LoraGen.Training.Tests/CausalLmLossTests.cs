using LoraGen.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Training.Tests;

/// <summary>The loss against a float64 loop over positions.</summary>
public class CausalLmLossTests
{
    private static readonly long[] Labels = [3, TokenBatch.Ignored, 0, 1, TokenBatch.Ignored, 2];

    [Theory]
    [InlineData(nn.Reduction.Mean)]
    [InlineData(nn.Reduction.Sum)]
    public void It_is_the_negative_log_likelihood_of_the_labelled_positions(nn.Reduction reduction)
    {
        var random = new Random(1);
        float[] hidden = [.. Enumerable.Range(0, 2 * 3 * 5).Select(_ => (float)random.NextDouble() - 0.5f)];
        float[] head = [.. Enumerable.Range(0, 4 * 5).Select(_ => (float)random.NextDouble() - 0.5f)];

        var total = 0.0;
        for (var position = 0; position < Labels.Length; position++)
        {
            if (Labels[position] == TokenBatch.Ignored)
            {
                continue;
            }

            var logits = Enumerable.Range(0, 4).Select(token => Enumerable.Range(0, 5).Sum(k => (double)hidden[position * 5 + k] * head[token * 5 + k])).ToArray();
            total += Math.Log(logits.Sum(Math.Exp)) - logits[Labels[position]];
        }

        using var scope = NewDisposeScope();
        var matrix = tensor(head, [4, 5]);
        var loss = CausalLmLoss.Compute(tensor(hidden, [2, 3, 5]), states => nn.functional.linear(states, matrix), tensor(Labels, [2, 3]), reduction);
        Assert.Equal(reduction == nn.Reduction.Mean ? total / 4 : total, loss.item<float>(), 5);
    }
}
