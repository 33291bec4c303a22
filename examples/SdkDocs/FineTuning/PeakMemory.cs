using System.Diagnostics;

namespace SdkDocs.FineTuning;

/// <summary>The largest resident memory of this process while the meter lives, sampled ten times a second.</summary>
internal sealed class PeakMemory : IDisposable
{
    private readonly Timer _timer;
    private long _peak;

    public PeakMemory() => _timer = new Timer(_ => Sample(), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));

    /// <summary>Bytes so far.</summary>
    public long Bytes
    {
        get
        {
            Sample();
            return Interlocked.Read(ref _peak);
        }
    }

    private void Sample()
    {
        using var process = Process.GetCurrentProcess();
        var now = process.WorkingSet64;
        for (var seen = Interlocked.Read(ref _peak); now > seen && Interlocked.CompareExchange(ref _peak, now, seen) != seen;)
        {
            seen = Interlocked.Read(ref _peak);
        }
    }

    public void Dispose() => _timer.Dispose();
}
