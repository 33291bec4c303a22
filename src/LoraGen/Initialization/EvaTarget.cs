namespace LoraGen;

/// <summary>What the activations of one projection said.</summary>
/// <param name="Path">Where it lies below the model.</param>
/// <param name="Rank">The rank that it got; 0 where it got none and is not adapted.</param>
/// <param name="Explained">The share of its inputs' variance along the directions in A, from 0 to 1.</param>
/// <param name="Rows">How many input vectors were looked at.</param>
/// <param name="IsConverged">Whether the last of them changed no direction; if not, more batches would make a better start.</param>
public sealed record EvaTarget(string Path, int Rank, double Explained, long Rows, bool IsConverged);
