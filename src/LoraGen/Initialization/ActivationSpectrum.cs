using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// The directions in which vectors vary most about their mean, found in one batch after the other without keeping the vectors: an incremental
/// singular value decomposition (Ross et al. 2008, "Incremental learning for robust visual tracking", figure 1; PEFT: <c>IncrementalPCA</c>). It
/// never changes, so that projections with the same inputs share one.
/// </summary>
internal sealed class ActivationSpectrum : IDisposable
{
    // PEFT's: twice the directions that are wanted, and four iterations.
    private const int Oversampling = 2;
    private const int Iterations = 4;

    private readonly int _limit;
    private readonly Tensor? _directions;
    private readonly Tensor? _values;
    private readonly Tensor? _mean;
    private readonly double _total;

    /// <summary>That of no vectors.</summary>
    /// <param name="limit">How many directions are kept.</param>
    public ActivationSpectrum(int limit) => _limit = limit;

    private ActivationSpectrum(int limit, long rows, Tensor directions, Tensor values, Tensor mean, double total)
    {
        (_limit, Rows, _total) = (limit, rows, total);
        (_directions, _values, _mean) = (directions.DetachFromDisposeScope(), values.DetachFromDisposeScope(), mean.DetachFromDisposeScope());
        Shares = total > 0 ? [.. values.cpu().to_type(ScalarType.Float64).data<double>().Select(value => value * value / total)] : new double[values.shape[0]];
    }

    /// <summary>How many vectors it is of.</summary>
    public long Rows { get; }

    /// <summary>Of each direction, the largest first, the share of the whole variance along it.</summary>
    public IReadOnlyList<double> Shares { get; } = [];

    /// <summary>How many directions, from the first on, the last batch has left where they were.</summary>
    public int Settled { get; private init; }

    /// <summary>Directions [rank, in], each of length 1, or divided by the root of its singular value.</summary>
    public Tensor Directions(int rank, bool whiten)
    {
        var directions = _directions!.narrow(0, 0, rank);
        return whiten ? directions / _values!.narrow(0, 0, rank).sqrt().unsqueeze(1) : directions.clone();
    }

    /// <summary>That of the vectors so far and these.</summary>
    /// <param name="vectors">[rows, in], at least one row; computed in fp32, or in float64 where they are.</param>
    /// <param name="tau">The cosine from which a direction is where it was.</param>
    /// <param name="generator">Source of the decomposition's first vectors.</param>
    public ActivationSpectrum With(Tensor vectors, double tau, Generator? generator)
    {
        using var scope = NewDisposeScope();
        var wide = vectors.to_type(vectors.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
        var (count, rows) = (wide.shape[0], Rows + wide.shape[0]);
        var mean = wide.mean([0], keepdim: true, ScalarType.Float64);
        var centred = wide - mean.to_type(wide.dtype);

        // What the two means differ by is one more vector.
        var shift = _mean is null ? null : ((_mean - mean) * Math.Sqrt((double)Rows * count / rows)).to_type(wide.dtype);
        var matrix = shift is null ? centred : cat([_values!.unsqueeze(1) * _directions!, centred, shift], 0);
        var (_, values, directions) = Svd.Randomised(matrix, (int)Math.Min((long)Oversampling * _limit, matrix.shape.Min()), Iterations, generator);
        var kept = Math.Min(_limit, values.shape[0]);
        (values, directions) = (values.narrow(0, 0, kept).clone(), directions.narrow(0, 0, kept).clone());
        return new ActivationSpectrum(
            _limit,
            rows,
            directions,
            values,
            _mean is null ? mean : _mean + ((mean - _mean) * ((double)count / rows)),
            _total + SquaresOf(centred) + (shift is null ? 0 : SquaresOf(shift)))
        {
            Settled = _directions is null ? 0 : SettledOf(directions, tau),
        };
    }

    // The sign of a direction says nothing.
    private int SettledOf(Tensor directions, double tau)
    {
        var common = Math.Min(directions.shape[0], _directions!.shape[0]);
        var cosines = (directions.narrow(0, 0, common) * _directions.narrow(0, 0, common)).sum(1).abs();
        return cosines.ge(tau).cpu().data<bool>().TakeWhile(settled => settled).Count();
    }

    private static double SquaresOf(Tensor matrix) => matrix.square().sum(ScalarType.Float64).item<double>();

    public void Dispose()
    {
        _directions?.Dispose();
        _values?.Dispose();
        _mean?.Dispose();
    }
}
