using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.MixedBatches;

/// <summary>
/// What decides which form of a mixed batch is faster: the projection, the place, and how much there is to do, each number up to the next power of two, so that a
/// text that grows does not make a new class with every word.
/// </summary>
internal readonly record struct FormClass(long Rows, long In, long Out, uint Adapters, uint Ranks, bool IsSorted, ScalarType Dtype, DeviceType Device, int DeviceIndex)
{
    public static FormClass Of(Tensor result, Tensor rows, IReadOnlyList<(Segment Segment, LowRankUpdate Update)> segments) => new(
        (long)BitOperations.RoundUpToPowerOf2((ulong)result.shape[0]),
        rows.dim() > 1 ? rows.shape[1] : 0,
        result.shape[1],
        BitOperations.RoundUpToPowerOf2((uint)segments.Count),
        BitOperations.RoundUpToPowerOf2((uint)segments.Sum(item => item.Update.WholeScale.Rank)),
        segments.All(item => item.Segment.IsContiguous),
        result.dtype,
        result.device_type,
        result.device_index);
}
