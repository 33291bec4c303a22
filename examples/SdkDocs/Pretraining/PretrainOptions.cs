namespace SdkDocs.Pretraining;

/// <summary>What <c>pretrain</c> was asked for.</summary>
/// <param name="Packs">The SDK's packs folder, or null for the running SDK's.</param>
/// <param name="Out">Where the base goes.</param>
/// <param name="State">Where the run's checkpoints go.</param>
/// <param name="Epochs">Passes over the text.</param>
/// <param name="Seed">Seed of the weights and of the order.</param>
/// <param name="Command">The command line, for the log.</param>
internal sealed record PretrainOptions(string? Packs, string Out, string State, int Epochs, int Seed, string Command);
