namespace LoraGen;

/// <summary>How far <see cref="LoraActivations.CreateAdapterFromActivations"/> has come.</summary>
/// <param name="Batches">How many batches the model has seen.</param>
/// <param name="Converged">Of how many projections all directions are found.</param>
/// <param name="Targets">How many projections are adapted.</param>
public sealed record EvaProgress(int Batches, int Converged, int Targets);
