namespace LoraGen.Peft;

/// <summary>What one low-rank update is.</summary>
/// <param name="Update">Its path, rank, alpha and scale.</param>
/// <param name="NormA">The Frobenius norm of A, in fp64.</param>
/// <param name="NormB">The Frobenius norm of B, in fp64.</param>
/// <param name="Norm">The Frobenius norm of <c>scale * B A</c>, in fp64; NaN where a value is not finite.</param>
/// <param name="IsZero">Whether A or B is zero throughout, and the bias of B too.</param>
public sealed record PeftUpdateInspection(PeftUpdate Update, double NormA, double NormB, double Norm, bool IsZero);
