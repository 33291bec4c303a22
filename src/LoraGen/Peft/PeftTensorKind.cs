namespace LoraGen.Peft;

/// <summary>What a tensor of an adapter's file is, by its key.</summary>
public enum PeftTensorKind
{
    /// <summary>A of a linear or convolutional layer: <c>lora_A.weight</c> [r, in].</summary>
    A,

    /// <summary>B of a linear or convolutional layer: <c>lora_B.weight</c> [out, r].</summary>
    B,

    /// <summary>The bias that <c>lora_bias</c> adds: <c>lora_B.bias</c> [out].</summary>
    BBias,

    /// <summary>A of an embedding: <c>lora_embedding_A</c> [r, number of embeddings].</summary>
    EmbeddingA,

    /// <summary>B of an embedding: <c>lora_embedding_B</c> [dim, r].</summary>
    EmbeddingB,

    /// <summary>DoRA's magnitudes: <c>lora_magnitude_vector</c> [out].</summary>
    Magnitude,

    /// <summary>Rows of an embedding that were trained: <c>token_adapter.trainable_tokens_delta</c> [tokens, dim].</summary>
    TrainableTokens,

    /// <summary>A parameter of the base below an adapted layer: <c>base_layer.weight</c> or <c>base_layer.bias</c>.</summary>
    BaseLayer,

    /// <summary>A parameter that was trained whole, such as a head's weight (<c>modules_to_save</c>) or a bias (<c>bias</c>).</summary>
    Saved,

    /// <summary>The base's own values of a module that was trained whole (<c>original_module</c>), which old versions of PEFT saved too.</summary>
    Original,
}
