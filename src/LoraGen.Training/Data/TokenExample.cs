namespace LoraGen.Training.Data;

/// <summary>One training sequence.</summary>
/// <param name="Tokens">All token ids, from the first of the prompt to the end-of-sequence token.</param>
/// <param name="PromptLength">How many of them are only read; the loss counts the tokens after them.</param>
public sealed record TokenExample(int[] Tokens, int PromptLength);
