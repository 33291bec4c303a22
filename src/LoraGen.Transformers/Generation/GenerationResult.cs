namespace LoraGen.Transformers.Generation;

/// <summary>What was written after a prompt.</summary>
/// <param name="Ids">The new tokens, without the end token; with those of a stop string.</param>
/// <param name="Text">
/// Their text, without special tokens and without the stop string, or null where the generator has no tokenizer. It goes on after the
/// prompt's text, with the space that may stand between.
/// </param>
/// <param name="Finish">Why it ended.</param>
public sealed record GenerationResult(IReadOnlyList<int> Ids, string? Text, FinishReason Finish);
