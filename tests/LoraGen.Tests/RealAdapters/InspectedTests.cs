using System.Text.Json;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using static LoraGen.Tests.Reference.TorchZipBytes;

namespace LoraGen.Tests.RealAdapters;

/// <summary>Every adapter that others made: inspected, its deltas against plain loops, saved and read again bit for bit; or refused.</summary>
public sealed class InspectedTests
{
    public static TheoryData<string, string, int, double, bool, string[]> Adapters => new(
        ("bert-base-r8", "bert-base-uncased", 24, 4, false, ["modules_to_save lists score, and the file has no tensor of it."]),
        ("distilbert-emotion", "distilbert-base-uncased", 12, 2, false,
            ["modules_to_save lists classifier more than once.", "modules_to_save lists score, and the file has no tensor of it."]),
        ("gpt2-causal-bin-r8", "gpt2", 12, 4, false, []),
        ("gpt2-causal-cattn-cproj-r8", "gpt2", 36, 4, false, []),
        ("gpt2-seqcls-r8", "gpt2", 12, 1, false, ["The file has whole tensors of modules that modules_to_save does not list: score."]),
        ("gptneox-calm1b-f16-r1", "cyberagent/open-calm-1b", 24, 32, false, []),
        ("llama3.2-1b-r8", "meta-llama/Llama-3.2-1B", 32, 4, false, []),
        ("opt125m-bf16-r16", "facebook/opt-125m", 24, 2, false, []),
        ("roberta-r4-alpha96", "roberta-base", 36, 24, false,
            ["modules_to_save lists classifier more than once.", "modules_to_save lists score more than once.", "modules_to_save lists score, and the file has no tensor of it."]),
        ("stella400m-oproj-noop-r16", "NovaSearch/stella_en_400M_v5", 24, 2, true,
            [
                "target_modules lists v_proj, and the file has no low-rank tensors for it.", "target_modules lists q_proj, and the file has no low-rank tensors for it.",
                "target_modules lists k_proj, and the file has no low-rank tensors for it.", "B is zero in all 24 updates: there the adapter does nothing.",
            ]),
        ("tinyllama-r4-keywords", "TinyLlama/TinyLlama-1.1B-Chat-v1.0", 44, 2, false, []),
        ("tinyllama-r4-therapist", "TinyLlama/TinyLlama-1.1B-Chat-v1.0", 44, 2, false, []));

    [Theory]
    [MemberData(nameof(Adapters))]
    public void An_adapter_of_PEFT(string name, string baseModel, int count, double scale, bool isNoOp, string[] oddities)
    {
        var folder = SharedData.PathOf($"adapters/{name}");
        var stored = Stored(folder);
        using var options = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")));
        using var checkpoint = PeftCheckpoint.Open(folder);
        var report = checkpoint.Inspect();

        Assert.Equal((baseModel, count, isNoOp), (report.Config.BaseModelNameOrPath, report.Updates.Count, report.IsNoOp));
        Assert.All(report.Updates, update => Assert.Equal((scale, options.RootElement.GetProperty("r").GetInt32()), (update.Update.Scale, update.Update.Rank)));
        Assert.Equal(oddities, report.Oddities);
        Assert.Equal(stored.Values.Sum(tensor => Elements(tensor.Shape)), report.Parameters + report.SavedParameters);
        Assert.Equal(stored.Keys.Where(key => key.Contains("lora_", StringComparison.Ordinal)).Sum(key => Elements(stored[key].Shape)), report.Parameters);
        AssertDelta(checkpoint, checkpoint.Updates[^1], stored, ".weight", scale);
        AssertNorm(report.Updates[^1], stored, ".weight", "base_model.model.", scale);

        using var scratch = new ScratchFolder();
        checkpoint.Save(scratch.Path);
        AssertSame(stored, Stored(scratch.Path));
        var again = PeftCheckpoint.Inspect(scratch.Path);
        Assert.Equal(report.Updates.Select(update => (update.Update.Path, update.Update.Scale, update.Norm)), again.Updates.Select(update => (update.Update.Path, update.Update.Scale, update.Norm)));
    }

    [Fact]
    public void The_adapter_of_loralib()
    {
        var file = SharedData.PathOf("adapters/loralib-roberta-mnli/roberta_base_lora_mnli.bin");
        var stored = Parse(File.ReadAllBytes(file));
        using var checkpoint = PeftCheckpoint.OpenLoralib(file, alpha: 16);
        var report = checkpoint.Inspect();

        Assert.Equal((24, 4), (report.Updates.Count, report.Saved.Count));
        Assert.All(report.Updates, update => Assert.Equal((8, 2.0, 1), (update.Update.Rank, update.Update.Scale, update.Update.Blocks)));
        Assert.Empty(report.Oddities);
        AssertDelta(checkpoint, checkpoint.Updates[^1], stored, "", factor: 2);
        AssertNorm(report.Updates[^1], stored, "", "", factor: 2);

        using var scratch = new ScratchFolder();
        checkpoint.Save(scratch.Path);
        AssertSame(
            stored.ToDictionary(item => $"base_model.model.{item.Key}{(item.Key.Contains("lora_", StringComparison.Ordinal) ? ".weight" : "")}", item => item.Value),
            Stored(scratch.Path));
        using var saved = PeftCheckpoint.Open(scratch.Path);
        Assert.Equal(checkpoint.Updates.Select(update => (update.Path, update.Scale)), saved.Updates.Select(update => (update.Path, update.Scale)));
    }

    [Fact]
    public void Another_method_is_refused_by_its_name()
    {
        var folder = SharedData.PathOf("adapters/NEG-gpt2-prompt-tuning");
        Assert.Equal(
            $"{Path.Combine(folder, "adapter_config.json")}: peft_type: expected LORA, the one method that LoraGen reads, found PROMPT_TUNING.",
            Assert.Throws<LoraException>(() => PeftCheckpoint.Inspect(folder)).Message);
    }

    private static Dictionary<string, Found> Stored(string folder)
    {
        var safetensors = Path.Combine(folder, "adapter_model.safetensors");
        return File.Exists(safetensors)
            ? SafetensorsBytes.Parse(File.ReadAllBytes(safetensors)).Tensors.ToDictionary(item => item.Key, item => new Found(ClassOf(item.Value.Dtype), item.Value.Shape, item.Value.Data))
            : Parse(File.ReadAllBytes(Path.Combine(folder, "adapter_model.bin")));
    }

    private static string ClassOf(string dtype) => dtype switch { "F32" => "FloatStorage", "F16" => "HalfStorage", _ => "BFloat16Storage" };

    private static void AssertDelta(PeftCheckpoint checkpoint, PeftUpdate update, Dictionary<string, Found> stored, string suffix, double factor)
    {
        var prefix = suffix.Length == 0 ? "" : "base_model.model.";
        var (a, b) = (Matrix(stored[$"{prefix}{update.Path}.lora_A{suffix}"]), Matrix(stored[$"{prefix}{update.Path}.lora_B{suffix}"]));
        using var tensor = checkpoint.Delta(update);
        var delta = Values.Matrix(tensor);
        Assert.Equal((b.GetLength(0), a.GetLength(1)), (delta.GetLength(0), delta.GetLength(1)));
        foreach (var (o, i) in from o in Enumerable.Range(0, 16) from i in Enumerable.Range(0, 16) select (o * b.GetLength(0) / 16, i * a.GetLength(1) / 16))
        {
            var (sum, size) = (0.0, 0.0);
            for (var k = 0; k < a.GetLength(0); k++)
            {
                sum += factor * b[o, k] * a[k, i];
                size += Math.Abs(factor * b[o, k] * a[k, i]);
            }

            Assert.Equal(sum, delta[o, i], tolerance: (a.GetLength(0) + 2) * Rounding.Float32 * size);
        }
    }

    // The trace of (A A')(B' B), by loops.
    private static void AssertNorm(PeftUpdateInspection found, Dictionary<string, Found> stored, string suffix, string prefix, double factor)
    {
        var (a, b) = (Matrix(stored[$"{prefix}{found.Update.Path}.lora_A{suffix}"]), Matrix(stored[$"{prefix}{found.Update.Path}.lora_B{suffix}"]));
        var trace = 0.0;
        for (var k = 0; k < a.GetLength(0); k++)
        {
            for (var l = 0; l < a.GetLength(0); l++)
            {
                var (ofA, ofB) = (0.0, 0.0);
                for (var i = 0; i < a.GetLength(1); i++)
                    ofA += a[k, i] * a[l, i];
                for (var o = 0; o < b.GetLength(0); o++)
                    ofB += b[o, k] * b[o, l];
                trace += ofA * ofB;
            }
        }

        Assert.Equal(factor * Math.Sqrt(trace), found.Norm, tolerance: 1e-9 * found.NormA * found.NormB);
    }

    private static double[,] Matrix(Found tensor)
    {
        double[] values = tensor.Storage switch
        {
            "FloatStorage" => [.. tensor.Data.Chunk(4).Select(bytes => (double)BitConverter.ToSingle(bytes))],
            "HalfStorage" => [.. tensor.Data.Chunk(2).Select(bytes => (double)BitConverter.ToHalf(bytes))],
            _ => [.. tensor.Data.Chunk(2).Select(bytes => (double)BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(bytes) << 16))],
        };
        var result = new double[tensor.Shape[0], tensor.Shape[1]];
        Buffer.BlockCopy(values, 0, result, 0, sizeof(double) * values.Length);
        return result;
    }

    private static void AssertSame(Dictionary<string, Found> expected, Dictionary<string, Found> found)
    {
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), found.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, tensor) in expected)
        {
            Assert.Equal(tensor.Storage, found[key].Storage);
            Assert.Equal(tensor.Shape, found[key].Shape);
            Assert.True(tensor.Data.AsSpan().SequenceEqual(found[key].Data), key);
        }
    }

    private static long Elements(long[] shape) => shape.Aggregate(1L, (product, size) => product * size);
}
