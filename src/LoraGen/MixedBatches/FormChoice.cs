using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.MixedBatches;

/// <summary>Which form is faster, by running both: once for each class of shapes, and kept.</summary>
internal sealed class FormChoice
{
    private const int Runs = 5;

    private readonly Lock _choosing = new();
    private readonly Dictionary<FormClass, MixedForm> _chosen = [];

    /// <summary>The form for a class.</summary>
    /// <param name="shapes">The class.</param>
    /// <param name="loop">Computes by <see cref="MixedForm.Loop"/>; what comes of it is thrown away.</param>
    /// <param name="mask">Computes by <see cref="MixedForm.Mask"/>.</param>
    public MixedForm Of(FormClass shapes, Action loop, Action mask)
    {
        lock (_choosing)
        {
            if (!_chosen.TryGetValue(shapes, out var form))
            {
                _chosen.Add(shapes, form = Faster(shapes, loop, mask));
            }

            return form;
        }
    }

    // The fastest of a few runs, in turns, after one each that loads what a first call has to load.
    private static MixedForm Faster(FormClass shapes, Action loop, Action mask)
    {
        using var inference = no_grad();
        loop();
        mask();
        var runs = Enumerable.Range(0, Runs).Select(_ => (Loop: Time(loop), Mask: Time(mask))).ToList();
        return runs.Min(run => run.Mask) < runs.Min(run => run.Loop) ? MixedForm.Mask : MixedForm.Loop;

        TimeSpan Time(Action compute)
        {
            Wait();
            var start = Stopwatch.GetTimestamp();
            using (NewDisposeScope())
            {
                compute();
            }

            Wait();
            return Stopwatch.GetElapsedTime(start);
        }

        // A GPU has only been told what to do when a call returns.
        void Wait()
        {
            if (shapes.Device == DeviceType.CUDA)
            {
                cuda.synchronize(device(shapes.Device, shapes.DeviceIndex));
            }
        }
    }
}
