using static TorchSharp.torch;

namespace LoraGen.MixedBatches;

/// <summary>The rows of a batch that have one adapter.</summary>
/// <param name="rows">In ascending order, at least one.</param>
internal sealed class Segment(long[] rows) : IDisposable
{
    private (long Tokens, Tensor Values)? _places;

    public int First => (int)rows[0];

    public int Count => rows.Length;

    /// <summary>Whether they lie next to each other.</summary>
    public bool IsContiguous => rows[^1] - rows[0] + 1 == rows.Length;

    /// <summary>One segment for each adapter, in the order in which they first appear.</summary>
    /// <param name="adapters">One for each row, null for none.</param>
    /// <exception cref="LoraException">There is no row.</exception>
    public static IReadOnlyList<Segment> Of(IReadOnlyList<LoraAdapter?> adapters)
    {
        if (adapters.Count == 0)
        {
            throw new LoraException("Rows: expected at least one row, found none.");
        }

        return [.. adapters.Select((adapter, row) => (adapter, row))
            .Where(item => item.adapter is not null)
            .GroupBy(item => item.adapter!, item => (long)item.row, ReferenceEqualityComparer.Instance)
            .Select(group => new Segment([.. group]))];
    }

    /// <summary>The numbers of the rows.</summary>
    public Tensor Numbers() => tensor(rows);

    /// <summary>Where the rows are once each has become one row for each of its tokens. All projections of a call ask for the same.</summary>
    /// <param name="tokens">How many it has become.</param>
    /// <param name="beside">Whose device the answer is to be on.</param>
    public Tensor Places(long tokens, Tensor beside)
    {
        if (_places is not { } kept || kept.Tokens != tokens || !kept.Values.IsBeside(beside))
        {
            Dispose();
            using var scope = NewDisposeScope();
            using var recordable = inference_mode(false); // The next call may record a gradient.
            var places = ((tensor(rows).unsqueeze(1) * tokens) + arange(tokens)).view(-1).to(beside.device);
            _places = kept = (tokens, places.DetachFromDisposeScope());
        }

        return kept.Values;
    }

    /// <summary>Frees what is kept between calls.</summary>
    public void Dispose()
    {
        _places?.Values.Dispose();
        _places = null;
    }
}
