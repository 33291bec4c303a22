namespace LoraGen.Transformers.Generation;

/// <summary>When beam search ends that has found as many texts as it has beams; <c>early_stopping</c> of Hugging Face's GenerationConfig.</summary>
public enum EarlyStopping
{
    /// <summary><c>false</c>: when no open beam, ended now, would beat the worst text found.</summary>
    Heuristic,

    /// <summary><c>true</c>: at once.</summary>
    Always,

    /// <summary><c>"never"</c>: when no open beam can still beat the worst text found, however long it becomes.</summary>
    Never,
}
