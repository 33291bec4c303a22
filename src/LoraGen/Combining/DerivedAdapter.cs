namespace LoraGen;

/// <summary>An adapter that was computed and not trained, and how far it is from what it stands for.</summary>
/// <param name="Adapter">Not yet active; the caller's to dispose.</param>
/// <param name="Errors">One for each projection that the computation was about, in the order of the model's source.</param>
public sealed record DerivedAdapter<TAdapter>(TAdapter Adapter, IReadOnlyList<DerivedError> Errors)
    where TAdapter : LoraAdapter
{
    /// <summary>The error of all projections together, as <see cref="DerivedError.Relative"/>.</summary>
    public double RelativeError => DerivedError.Share(Root(error => error.Lost), Root(error => error.Norm));

    /// <summary>Of an extracted adapter: the keys of tensors that differ from the base's and that no update stands for.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    private double Root(Func<DerivedError, double> value) => Math.Sqrt(Errors.Sum(error => value(error) * value(error)));
}
