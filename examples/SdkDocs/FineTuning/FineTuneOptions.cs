namespace SdkDocs.FineTuning;

/// <summary>What the main job was asked for.</summary>
/// <param name="Packs">The SDK's packs folder, or null for the running SDK's.</param>
/// <param name="Out">Where the adapter and the report go.</param>
/// <param name="Steps">Optimizer steps of each method.</param>
/// <param name="HeldOut">Number of held-out members to judge by.</param>
/// <param name="SkipFull">Whether to leave full fine-tuning out.</param>
/// <param name="Seed">Seed of the split, of the order, and of A.</param>
/// <param name="Device">Where to compute, as torch spells it.</param>
/// <param name="Command">The command line, for the report.</param>
internal sealed record FineTuneOptions(string? Packs, string Out, int Steps, int HeldOut, bool SkipFull, int Seed, string Device, string Command);
