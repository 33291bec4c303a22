namespace LoraGen.Transformers.Generation;

/// <summary>One step of a text that is being written.</summary>
/// <param name="Id">The new token; null in the last update.</param>
/// <param name="Text">
/// The text that is certain now, often empty: a character whose bytes are not all there yet is held back, and so is what may turn out to
/// be a stop string.
/// </param>
/// <param name="Finish">Why the text ended, in the last update; null before.</param>
public sealed record GenerationUpdate(int? Id, string Text, FinishReason? Finish);
