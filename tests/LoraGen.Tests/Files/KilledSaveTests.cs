using System.Diagnostics;
using LoraGen.Tests.Saver;

namespace LoraGen.Tests.Files;

/// <summary>A process is killed while it saves, a hundred times and more: the folder then holds the old adapter or the new one.</summary>
public sealed class KilledSaveTests : IDisposable
{
    private const int Kills = 100;

    // Until one has come between the renames, which is rare where a disk or a scheduler is unlike ours.
    private const int MostKills = 1000;

    private readonly ScratchFolder _folder = new();
    private readonly Queue<SaverProcess> _savers = new();
    private readonly TwoAdapters _model = new();

    private DateTime Written => File.GetLastWriteTimeUtc(_folder.PathOf("adapter_model.safetensors"));

    public void Dispose()
    {
        foreach (var saver in _savers)
        {
            saver.Dispose();
        }

        _model.Dispose();
        _folder.Dispose();
    }

    // Half of the moments are spread evenly over 10 ms, which is some saves. The other half follow the first sight of new weights as fast as
    // can be, since hardly any of the even ones fall between the two renames.
    [Fact]
    public void At_any_moment()
    {
        var random = new Random(5);
        var (numbers, moments) = (new int[2], new Dictionary<Moment, int>());
        foreach (var _ in Enumerable.Range(0, 2))
        {
            _savers.Enqueue(new SaverProcess());
        }

        for (var kill = 0; kill < Kills || (kill < MostKills && !moments.ContainsKey(Moment.Between) && Environment.ProcessorCount > 1); kill++)
        {
            using (var saver = _savers.Dequeue())
            {
                // It loads libtorch while this one saves.
                _savers.Enqueue(new SaverProcess());

                // Into what the last one left. Its first save is slow, and compiles the code for the others.
                var before = Written;
                saver.SaveInto(_folder.Path);
                WaitForOthersThan(before, saver, () => Thread.Sleep(1));
                if (kill % 2 == 0)
                {
                    Spin(TimeSpan.FromMilliseconds(10 * random.NextDouble()));
                }
                else
                {
                    WaitForOthersThan(Written, saver, () => { });
                }

                saver.Kill();
            }

            var moment = MomentOfTheKill();
            moments[moment] = moments.GetValueOrDefault(moment) + 1;
            using var loaded = TwoAdapters.Adapter.Load(_folder.Path, _model);
            var number = TwoAdapters.NumberOf(loaded);
            Assert.True(number >= 0, $"kill {kill}, {moment}: neither adapter");
            numbers[number]++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{string.Join(", ", moments)}; adapters {string.Join(", ", numbers)}");
        Assert.DoesNotContain(0, numbers);
        Assert.Contains(Moment.Staging, moments.Keys);
        Assert.True(moments.ContainsKey(Moment.Between) || Environment.ProcessorCount == 1, "no kill came between the renames");

        // And what all of them left is gone after one save that is not killed.
        using var last = _model.Make(1);
        last.Save(_folder.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], _folder.Names());
    }

    private enum Moment
    {
        /// <summary>Before a save's first file or after its last rename.</summary>
        Outside,

        /// <summary>With a staged file beside the old adapter.</summary>
        Staging,

        /// <summary>With the new weights beside the old config.</summary>
        Between,
    }

    private Moment MomentOfTheKill()
        => !SavedPair.Fits(_folder.Path) ? Moment.Between
        : _folder.Names().Any(name => name.EndsWith(".tmp", StringComparison.Ordinal)) ? Moment.Staging
        : Moment.Outside;

    private void WaitForOthersThan(DateTime before, SaverProcess saver, Action pause)
    {
        for (var looks = 1; Written == before; looks++)
        {
            pause();
            Assert.False(looks % 1000 == 0 && saver.HasExited, "the process ended by itself");
        }
    }

    // Sleeping is no finer than a whole save.
    private static void Spin(TimeSpan time)
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < time)
        {
        }
    }
}
