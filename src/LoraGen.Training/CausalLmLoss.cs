using LoraGen.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Training;

/// <summary>Next-token cross-entropy that computes logits only where a label counts, in fp32.</summary>
public static class CausalLmLoss
{
    /// <summary>Mean or sum of the negative log-likelihood in nats over the labelled positions.</summary>
    /// <param name="hidden">Last hidden states [batch, time, hidden].</param>
    /// <param name="head">Maps states [n, hidden] to logits [n, vocab].</param>
    /// <param name="labels">Next tokens [batch, time]; <see cref="TokenBatch.Ignored"/> is left out.</param>
    /// <param name="reduction">Mean for training, Sum for evaluating over many batches.</param>
    public static Tensor Compute(Tensor hidden, Func<Tensor, Tensor> head, Tensor labels, nn.Reduction reduction = nn.Reduction.Mean)
    {
        using var scope = NewDisposeScope();
        var flat = labels.view(-1);
        var counted = flat.ne(TokenBatch.Ignored).nonzero().squeeze(1);
        var states = hidden.reshape(-1, hidden.shape[^1]).index_select(0, counted);
        var logits = head(states).to_type(ScalarType.Float32);
        return nn.functional.cross_entropy(logits, flat.index_select(0, counted), reduction: reduction).MoveToOuterDisposeScope();
    }
}
