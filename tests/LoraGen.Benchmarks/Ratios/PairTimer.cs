using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>
/// Times the two sides of a pair in turns, a few milliseconds each: variant, baseline, baseline, variant, and so on. What slows the machine down
/// for longer than that slows both, and drops out of the ratio of a round; what strikes one side only drops out of the median.
/// </summary>
/// <param name="device">Whose queue is waited for.</param>
/// <param name="perPair">How long one pair may take, but for <see cref="LeastRounds"/>.</param>
internal sealed class PairTimer(Device device, TimeSpan perPair)
{
    private const int LeastRounds = 5;
    private const int MostRounds = 201;
    private const double TurnSeconds = 0.01;

    public Measurement Measure(Pair pair)
    {
        using var mode = set_grad_enabled(pair.Trains);
        var (variantRuns, baselineRuns) = (RunsInTurn(pair.Variant), RunsInTurn(pair.Baseline));
        var (variant, baseline) = (new List<double>(), new List<double>());
        GC.Collect();
        var clock = Stopwatch.StartNew();
        while (variant.Count < LeastRounds || (variant.Count < MostRounds && clock.Elapsed < perPair))
        {
            if (variant.Count % 2 == 0)
            {
                variant.Add(Time(pair.Variant, variantRuns));
                baseline.Add(Time(pair.Baseline, baselineRuns));
            }
            else
            {
                baseline.Add(Time(pair.Baseline, baselineRuns));
                variant.Add(Time(pair.Variant, variantRuns));
            }
        }

        return new Measurement(variant, baseline);
    }

    // The first run also compiles the code, fills caches and makes libtorch choose its kernels.
    private int RunsInTurn(Work work)
    {
        _ = Time(work, runs: 1);
        var runs = 1;
        var seconds = Time(work, runs);
        while (seconds * runs < TurnSeconds / 2)
        {
            runs *= 2;
            seconds = Time(work, runs);
        }

        return Math.Max(1, (int)Math.Round(TurnSeconds / seconds));
    }

    private double Time(Work work, int runs)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < runs; i++)
        {
            work.Run();
        }

        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize(device);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds / runs;
    }
}
