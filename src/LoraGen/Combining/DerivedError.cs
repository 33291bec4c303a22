namespace LoraGen;

/// <summary>How far one projection's computed update is from the one that it stands for. Norms are Frobenius norms.</summary>
/// <param name="Path">Where the projection lies below the model.</param>
/// <param name="Rank">The rank of the computed update, of slices that of each; 0 where the projection was left out.</param>
/// <param name="Norm">The norm of what was wanted, such as the weighted sum of updates.</param>
/// <param name="Lost">The norm of its difference to the computed update, before the update's A and B are rounded to fp32.</param>
public sealed record DerivedError(string Path, int Rank, double Norm, double Lost)
{
    /// <summary>Lost / Norm, and 0 where both are.</summary>
    public double Relative => Share(Lost, Norm);

    /// <summary>That of a projection by those of its slices, of which there is at least one.</summary>
    internal static DerivedError OfSlices(IEnumerable<DerivedError> slices) => slices.Aggregate((left, right) => left with
    {
        Norm = double.Hypot(left.Norm, right.Norm),
        Lost = double.Hypot(left.Lost, right.Lost),
    });

    internal static double Share(double lost, double norm) => lost == 0 ? 0 : lost / norm;
}
