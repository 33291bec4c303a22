using System.Runtime.InteropServices;
using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Tests.Llama;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Checkpoints;

/// <summary>A load takes the memory of the model; making a model takes none.</summary>
public sealed class PeakMemoryTests : IDisposable
{
    private const long Megabyte = 1 << 20;

    // What .NET and the allocator take besides, for files that are some ten times as large.
    private const long Slack = 12 * Megabyte;

    // 42 M weights. The largest tensor, the embedding, takes 31 MB in the file.
    private static readonly LlamaConfig Config = TinyLlama.Config() with
    {
        VocabSize = 8000, HiddenSize = 1024, IntermediateSize = 4096, NumAttentionHeads = 8, NumKeyValueHeads = 8, NumHiddenLayers = 2,
    };

    private const long Weights = (8000 * 1024) + 2 * (4 * 1024 * 1024 + 3 * 1024 * 4096);

    private readonly TinyCheckpoint? _saved;

    public PeakMemoryTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The peak of a moment is read from /proc.");
        _saved = new TinyCheckpoint(Config);
        Load(null); // Once for what is only made the first time.
    }

    public void Dispose() => _saved?.Dispose();

    [Fact]
    public void In_the_files_dtype_the_model_alone() => Assert.InRange(PeakOf(() => Load(null)), 0, 4 * Weights + Slack);

    [Fact]
    public void In_another_dtype_the_model_alone_too()
        => Assert.InRange(PeakOf(() => Load(ScalarType.BFloat16)), 0, 2 * Weights + Slack);

    [Fact]
    public void A_model_that_is_made_touches_no_weight() => Assert.InRange(PeakOf(() => new LlamaForCausalLM(Config).Dispose()), 0, Slack);

    private void Load(ScalarType? dtype) => LlamaForCausalLM.Load(_saved!.Folder, dtype).Dispose();

    private static long PeakOf(Action action)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        _ = Trim(0); // What the allocator keeps of earlier tensors would hide the new ones. Some it keeps all the same, so that there is no lower bound.
        File.WriteAllText("/proc/self/clear_refs", "5"); // The peak is now what is resident.
        var before = Resident("VmRSS");
        action();
        return Resident("VmHWM") - before;
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    private static extern int Trim(nuint keep);

    private static long Resident(string name)
        => long.Parse(File.ReadLines("/proc/self/status").Single(line => line.StartsWith($"{name}:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], System.Globalization.CultureInfo.InvariantCulture) * 1024;
}
