namespace LoraGen;

/// <summary>Which of the base's biases an adapter trains (PEFT: <c>bias</c>). The base keeps its own.</summary>
public enum TrainedBiases
{
    /// <summary>None.</summary>
    None,

    /// <summary>Those of the projections that have an A and a B (PEFT: <c>lora_only</c>).</summary>
    LoraOnly,

    /// <summary>
    /// Every bias of the model (PEFT: <c>all</c>). A bias that is no annotated projection's, such as a LayerNorm's, cannot be swapped, and
    /// so a new adapter for a base that has one is refused.
    /// </summary>
    All,
}
