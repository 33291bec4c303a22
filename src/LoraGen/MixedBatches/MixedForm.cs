namespace LoraGen;

/// <summary>How a <see cref="MixedBatch{TAdapter}"/> computes. Both forms give what each row's adapter gives alone, at any mix of ranks.</summary>
public enum MixedForm
{
    /// <summary>One adapter after the other, each on its rows: the exact number of operations, two products for each adapter.</summary>
    Loop,

    /// <summary>
    /// All adapters at once: their A one below the other, the results of other rows' adapters times 0, and one product with their B side by
    /// side. Two products for any number of adapters, of which all but one's share is thrown away: for few adapters of low rank on few rows,
    /// such as the decoding of a small model. A projection that drops inputs in training, DoRA, slices, convolutions, biases and what stands in for a
    /// part of the base are computed by <see cref="Loop"/>. An adapter that becomes NaN in training spoils the other rows too, which it does not in <see cref="Loop"/>.
    /// </summary>
    Mask,

    /// <summary>
    /// Whichever of the two is faster here: the first call with a size of batch, a number of adapters, a sum of ranks (each up to the next power
    /// of two), a width, a dtype and a device runs the update of each such projection several times in both forms, forward alone, and all later calls keep to the faster one.
    /// </summary>
    Auto,
}
