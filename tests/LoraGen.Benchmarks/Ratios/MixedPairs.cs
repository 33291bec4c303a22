using LoraGen.Benchmarks.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>Another adapter for each row of a batch, beside one for all rows and beside one call for each adapter's rows.</summary>
internal static class MixedPairs
{
    private const int Rows = 32;

    public static IEnumerable<Pair> Of(Device device)
    {
        foreach (var tokens in new[] { 1, 32 })
        {
            foreach (var adapters in new[] { 1, 8, Rows })
            {
                using var setting = new MixedSetting(device, adapters, Rows, tokens);
                foreach (var form in Enum.GetValues<MixedForm>())
                {
                    var mixed = setting.Mixed(form);
                    yield return new Pair(mixed, setting.OneAdapter);
                    if (adapters > 1)
                    {
                        yield return new Pair(mixed, setting.OneCallForEach);
                    }
                }
            }
        }
    }
}
