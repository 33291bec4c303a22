using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen;

/// <content>Rows that stand in for the base's: looked up in their own small table, so that nothing of the embedding's size is formed.</content>
public sealed partial class EmbeddingUpdate
{
    private readonly KeptTensors<(DeviceType, int)> _keptIds = new();

    private protected override Tensor StandIn(nn.Module<Tensor, Tensor> projection, Tensor ids)
    {
        if (TokenRows is not { } rows)
        {
            return base.StandIn(projection, ids);
        }

        using var scope = NewDisposeScope();
        var result = projection.call(ids);
        var (sorted, places) = IdsOn(ids);
        var wanted = ids.reshape(-1).to_type(ScalarType.Int64);
        var nearest = searchsorted(sorted, wanted).clamp_(max: TokenIds.Count - 1);
        var own = As(rows, result.dtype).index_select(0, places.index_select(0, nearest));
        var isOwn = sorted.index_select(0, nearest).eq(wanted).unsqueeze(1);
        return where(isOwn, own, result.reshape(own.shape)).view(result.shape).MoveToOuterDisposeScope();
    }

    // The ids in ascending order, and in which row each is.
    private (Tensor Sorted, Tensor Places) IdsOn(Tensor beside)
    {
        var kept = _keptIds.Of((beside.device_type, beside.device_index), () =>
        {
            var (sorted, places) = tensor(TokenIds.Select(id => (long)id).ToArray()).to(beside.device).sort();
            return [sorted, places];
        });
        return (kept[0], kept[1]);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _keptIds.Drop();
        }

        base.Dispose(disposing);
    }
}
