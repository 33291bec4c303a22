namespace LoraGen.Training.Optimization;

/// <summary>What one optimizer step reports.</summary>
/// <param name="Step">Steps done, this one included.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Loss">Its loss, in nats per token.</param>
/// <param name="Tokens">Tokens it read.</param>
/// <param name="Elapsed">Time since this run, or its resumption, began.</param>
public readonly record struct TrainingStep(int Step, int Steps, double Loss, int Tokens, TimeSpan Elapsed);
