using static TorchSharp.torch;

namespace LoraGen.Transformers.Llama;

/// <summary>What one forward pass shares between its layers.</summary>
/// <param name="Cache">Keys and values of earlier tokens, or null to read the whole sequence at once.</param>
/// <param name="Mask">Additive mask [batch, 1, time, time so far], or null for plain causal attention.</param>
internal readonly record struct AttentionContext(KeyValueCache? Cache, Tensor? Mask)
{
    /// <summary>Position of the first token of this pass.</summary>
    public long Start { get; } = Cache?.Length ?? 0;
}
