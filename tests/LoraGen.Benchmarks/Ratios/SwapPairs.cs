using LoraGen.Benchmarks.Models;
using LoraGen.Transformers.Gpt2;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>Setting <c>ActiveAdapter</c> to another adapter; its cost depends on the number of layers and not on their width.</summary>
internal static class SwapPairs
{
    public static IEnumerable<Pair> Of(Device device)
    {
        using var plain = new PlainProjection(device, ScalarType.Float32);
        using var token = randn(1, 1, Projection.Width, device: device);
        var call = new Work("one projection of one token, plain", () => plain.call(token).Dispose());
        foreach (var (layers, aim) in new[] { (12, Aim.Within(5)), (96, Aim.Within(40)) })
        {
            using var model = SmallGpt2.CreateThin(device, layers);
            using var first = model.CreateAdapter();
            using var second = model.CreateAdapter();
            yield return new Pair(new Work($"swap of {layers} layers", () => Swap(model, first, second)), call, aim);
        }
    }

    private static void Swap(Gpt2LMHeadModel model, Gpt2LMHeadModel.Adapter first, Gpt2LMHeadModel.Adapter second)
        => model.ActiveAdapter = ReferenceEquals(model.ActiveAdapter, first) ? second : first;
}
