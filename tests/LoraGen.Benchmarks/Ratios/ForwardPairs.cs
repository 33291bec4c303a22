using LoraGen.Benchmarks.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>What a projection costs with an adapter that serves: merged, unmerged, and beside the same written by hand.</summary>
internal static class ForwardPairs
{
    private const double Plain = 1, Tolerance = 0.02;

    public static IEnumerable<Pair> Merged(Device device) => OfEach(device, setting =>
    {
        setting.Adapted.Merge(setting.Adapted.ActiveAdapter!);
        return new Pair(setting.Call("merged", setting.Adapted), setting.Call("plain", setting.Plain), Aim.Near(Plain, Tolerance));
    });

    public static IEnumerable<Pair> Unmerged(Device device) => OfEach(device, setting => new Pair(
        setting.Call("LoRA", setting.Adapted),
        setting.Call("plain", setting.Plain),
        Aim.AtMost(setting.Tokens == 1 ? 1.15 : setting.IsHalf ? 1.08 : 1.05)));

    public static IEnumerable<Pair> HandWritten(Device device) => OfEach(device, setting => new Pair(
        setting.Call("generated", setting.Adapted), setting.Call("by hand", setting.ByHand), Aim.AtMost(1.02)));

    /// <summary>What LoRA costs whoever writes it: the floor of <see cref="Unmerged"/>.</summary>
    public static IEnumerable<Pair> Floor(Device device) => OfEach(device, setting => new Pair(
        setting.Call("by hand", setting.ByHand), setting.Call("plain", setting.Plain)));

    private static IEnumerable<Pair> OfEach(Device device, Func<ProjectionSetting, Pair> pair)
    {
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            foreach (var tokens in new[] { 1, 1024 })
            {
                using var setting = new ProjectionSetting(device, dtype, tokens);
                setting.Adapted.ActiveAdapter!.Freeze();
                yield return pair(setting);
            }
        }
    }
}
