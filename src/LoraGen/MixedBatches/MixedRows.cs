using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.MixedBatches;

/// <summary>Which updates the rows of a batch get in one projection.</summary>
/// <param name="choice">What <see cref="MixedForm.Auto"/> has come to, in all projections of the batch.</param>
internal sealed class MixedRows(FormChoice choice) : IDisposable
{
    private MixedForm _form;
    private int _count;
    private IReadOnlyList<(Segment Segment, LowRankUpdate Update)> _segments = [];
    private Tensor? _mask;

    /// <param name="form">How to compute.</param>
    /// <param name="count">The number of rows.</param>
    /// <param name="segments">The rows that get an update here, and which.</param>
    public void Assign(MixedForm form, int count, IReadOnlyList<(Segment Segment, LowRankUpdate Update)> segments)
    {
        Dispose();
        (_form, _count, _segments) = (form, count, segments);
    }

    /// <summary>The base's result for the whole batch, plus each row's update.</summary>
    /// <param name="place">The update that these rows stand in for.</param>
    /// <param name="projection">The base's projection.</param>
    /// <param name="x">[batch, ..., in]; ids [batch, ...]; images [batch, in, ...].</param>
    /// <exception cref="LoraException">The batch has another number of rows, or an update was disposed or is on another device.</exception>
    public Tensor AddTo(LowRankUpdate place, nn.Module<Tensor, Tensor> projection, Tensor x)
    {
        if (x.dim() <= place.RowAxes || x.shape[0] != _count)
        {
            throw new LoraException($"{place.Path}: expected the batch first, with {_count} rows as {nameof(MixedBatch<>.Rows)} has, found [{string.Join(", ", x.shape)}].");
        }

        foreach (var (_, update) in _segments)
        {
            update.RequireAlive();
        }

        try
        {
            using var scope = NewDisposeScope();
            var rows = place.RowsOf(x);
            var result = projection.call(rows);
            if (FormFor(place, projection, result, rows) == MixedForm.Mask)
            {
                Mask(projection, result, rows);
            }
            else
            {
                Loop(projection, result, rows);
            }

            return place.Unfolded(result, x).MoveToOuterDisposeScope();
        }
        catch (ExternalException)
        {
            foreach (var (_, update) in _segments)
            {
                update.RequireBeside(place.Path, ProjectionWeight.Of(projection));
            }

            throw;
        }
    }

    private MixedForm FormFor(LowRankUpdate place, nn.Module<Tensor, Tensor> projection, Tensor result, Tensor rows)
    {
        if (_form == MixedForm.Loop || place.RowAxes > 1 || _segments.Count == 0 || !_segments.All(item => item.Update.IsPlain && !item.Update.Drops(projection)))
        {
            return MixedForm.Loop;
        }

        return _form == MixedForm.Mask
            ? MixedForm.Mask
            : choice.Of(FormClass.Of(result, rows, _segments), () => Loop(projection, result.clone(), rows), () => Mask(projection, result.clone(), rows));
    }

    // A row of the batch may be many rows of the product, one for each token.
    private void Loop(nn.Module<Tensor, Tensor> projection, Tensor result, Tensor rows)
    {
        var tokens = rows.shape[0] / _count;
        foreach (var (segment, update) in _segments)
        {
            if (segment.IsContiguous && update.AddsInPlace)
            {
                var (start, length) = (segment.First * tokens, segment.Count * tokens);
                update.AddRows(projection, result.narrow(0, start, length), rows.narrow(0, start, length));
            }
            else
            {
                var places = segment.Places(tokens, rows);
                result.index_copy_(0, places, update.Rows(projection, result.index_select(0, places), rows.index_select(0, places)));
            }
        }
    }

    private void Mask(nn.Module<Tensor, Tensor> projection, Tensor result, Tensor rows)
    {
        var factors = _segments.Select(item => item.Update.Factors(result.dtype)).ToList();
        var reduced = _segments[0].Update.Reduce(projection, rows, cat([.. factors.Select(item => item.A)], 0));
        var masked = (reduced.view(_count, rows.shape[0] / _count, reduced.shape[1]) * MaskOf(result, [.. factors.Select(item => item.A.shape[0])])).view(reduced.shape).to_type(result.dtype);
        result.addmm_(masked, cat([.. factors.Select(item => item.B)], 1).t());
    }

    // [batch, 1, sum of ranks]: in the columns of a row's own adapter its scale, and 0 elsewhere. Not in a half format, which would round
    // the scale.
    private Tensor MaskOf(Tensor result, IReadOnlyList<long> ranks)
    {
        var dtype = result.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        if (_mask is null || _mask.dtype != dtype || !_mask.IsBeside(result))
        {
            _mask?.Dispose();
            using var recordable = inference_mode(false); // The next call may record a gradient.
            var mask = zeros(_count, 1, ranks.Sum(), ScalarType.Float64);
            var column = 0L;
            foreach (var ((segment, update), rank) in _segments.Zip(ranks))
            {
                mask.narrow(2, column, rank).index_fill_(0, segment.Numbers(), update.Scale.Factor);
                column += rank;
            }

            _mask = mask.to(dtype, result.device).DetachFromDisposeScope();
        }

        return _mask;
    }

    /// <summary>Frees what is kept between calls.</summary>
    public void Dispose()
    {
        _mask?.Dispose();
        _mask = null;
    }
}
