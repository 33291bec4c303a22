namespace LoraGen.Transformers.Generation;

/// <summary>Why a text ended.</summary>
public enum FinishReason
{
    /// <summary>The model wrote an end token.</summary>
    EndToken,

    /// <summary>The text held a stop string.</summary>
    StopString,

    /// <summary>As many tokens were written as were asked for.</summary>
    Length,
}
