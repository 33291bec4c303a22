using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using LoraGen.Transformers;
using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks;

/// <summary>
/// What loading 1 GB of bf16 weights onto the CPU costs beside reading the same file into memory with dd; the aim is a ratio of 2 at most.
/// Both find it in the system's cache, so that no disk hides what we add. dd's buffer is as large as the file, since new memory costs the
/// system more than the copy into it: with a buffer that it uses over and over again, as in the second row, the file is in memory at no time.
/// The model is a Llama of 530 M weights, in one file that the benchmark makes and removes.
/// </summary>
public class CheckpointBenchmarks
{
    private static readonly LlamaConfig Config = new()
    {
        VocabSize = 32000,
        HiddenSize = 2048,
        IntermediateSize = 5632,
        NumHiddenLayers = 9,
        NumAttentionHeads = 32,
        NumKeyValueHeads = 4,
        MaxPositionEmbeddings = 2048,
    };

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"loragen-{Guid.NewGuid():N}");

    private string Weights => Path.Combine(_folder, "model.safetensors");

    [GlobalSetup]
    public void Prepare()
    {
        using (var model = new LlamaForCausalLM(Config))
        {
            // Whatever is in memory: what the numbers are costs nothing.
            model.to(ScalarType.BFloat16);
            model.Save(_folder);
        }

        Read();
    }

    [GlobalCleanup]
    public void Remove() => Directory.Delete(_folder, recursive: true);

    [Benchmark(Baseline = true, Description = "dd, a buffer of the file's size")]
    public void Read() => Run($"bs={new FileInfo(Weights).Length}");

    [Benchmark(Description = "dd, a buffer of 1 MiB")]
    public void ReadThrough() => Run("bs=1M");

    [Benchmark(Description = "load in bf16")]
    public void Load() => AutoModel.Load(_folder).Dispose();

    [Benchmark(Description = "load in fp32")]
    public void LoadWide() => AutoModel.Load(_folder, ScalarType.Float32).Dispose();

    private void Run(string size)
    {
        using var dd = Process.Start(new ProcessStartInfo("dd", [$"if={Weights}", "of=/dev/null", size, "iflag=fullblock", "status=none"]))!;
        dd.WaitForExit();
        if (dd.ExitCode != 0)
        {
            throw new InvalidOperationException($"dd ended with {dd.ExitCode}.");
        }
    }
}
