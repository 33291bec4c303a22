using System.Text.Json;
using LoraGen.Safetensors;
using LoraGen.Tests.Files;
using LoraGen.Tests.RealAdapters;
using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Cli.Tests;

/// <summary>The verbs on the repository's own checkpoint and an adapter that is made here.</summary>
public sealed class AdapterCommandTests : IDisposable
{
    private const string Prompt = "property System.String.Length", Target = "model.layers.0.self_attn.v_proj";
    private readonly ScratchFolder folder = new();
    private readonly string adapter;
    private readonly double[,] delta; // scale * B A of Target, in loops

    public AdapterCommandTests()
    {
        adapter = folder.PathOf("adapter");
        using var model = LlamaForCausalLM.Load(Tool.Base);
        using var generator = new Generator(5);
        using var made = model.CreateAdapter(new LoraConfig { Rank = 4, Alpha = 8, BaseModelNameOrPath = "sdkdocs-base", TaskType = "CAUSAL_LM" }, generator);
        using (no_grad())
        {
            foreach (var update in made.Updates)
            {
                update.B.normal_(0, 0.05, generator);
            }
        }

        var update0 = made.Updates.Single(update => update.Path == Target);
        delta = Product(Values(update0.B), Values(update0.A), 8.0 / 4);
        made.Save(adapter);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Inspect_says_what_an_adapter_is()
    {
        var run = await Tool.Run("inspect", adapter);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("sdkdocs-base", run.Output, StringComparison.Ordinal);
        Assert.Contains("changes the base", run.Output, StringComparison.Ordinal);
        Assert.Contains(Target, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_gives_json_with_the_norm_of_each_update()
    {
        var run = await Tool.Run("inspect", adapter, "--json");

        using var json = JsonDocument.Parse(run.Output);
        var root = json.RootElement;
        Assert.Equal(("adapter", 4, 8.0, false), (root.GetProperty("kind").GetString(), root.GetProperty("r").GetInt32(), root.GetProperty("lora_alpha").GetDouble(), root.GetProperty("is_no_op").GetBoolean()));
        var layer = root.GetProperty("layers").EnumerateArray().Single(layer => layer.GetProperty("path").GetString() == Target);
        Assert.Equal(Math.Sqrt(delta.Cast<double>().Sum(value => value * value)), layer.GetProperty("norm").GetDouble(), 1e-6);
    }

    [Fact]
    public async Task Inspect_counts_what_a_checkpoint_holds()
    {
        var run = await Tool.Run("inspect", Tool.Base, "--json");

        using var json = JsonDocument.Parse(run.Output);
        // The README of the checkpoint says how many there are.
        Assert.Equal(5_180_672, json.RootElement.GetProperty("parameters").GetInt64());
        Assert.Equal(("LlamaForCausalLM", true), (json.RootElement.GetProperty("architecture").GetString(), json.RootElement.GetProperty("is_implemented").GetBoolean()));
    }

    [Fact]
    public async Task Generate_streams_the_text_and_tells_the_speed_apart_from_it()
    {
        var run = await Tool.Run("generate", "--model", Tool.Base, "--prompt", Prompt, "--max-new-tokens", "12");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("Gets the number of characters in this instance.\n", run.Output); // what the checkpoint was trained to know
        Assert.Matches(@"^\d+ tokens; the first after \d+\.\d\d s, then \d+\.\d tokens/s\n$", run.Errors);
    }

    [Fact]
    public async Task A_merged_checkpoint_has_the_update_in_its_weights_and_writes_what_the_adapter_writes()
    {
        var merged = folder.PathOf("merged");
        var with = await Tool.Run("generate", "--model", Tool.Base, "--adapter", adapter, "--prompt", Prompt, "--max-new-tokens", "12", "--dtype", "float32");
        var without = await Tool.Run("generate", "--model", Tool.Base, "--prompt", Prompt, "--max-new-tokens", "12", "--dtype", "float32");

        var run = await Tool.Run("merge", "--model", Tool.Base, "--adapter", adapter, "--out", merged, "--dtype", "float32");

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        AssertMerged(Path.Combine(merged, "model.safetensors"));
        Assert.True(File.Exists(Path.Combine(merged, "tokenizer.json")));
        var after = await Tool.Run("generate", "--model", merged, "--prompt", Prompt, "--max-new-tokens", "12");
        Assert.Equal(with.Output, after.Output);
        Assert.NotEqual(without.Output, after.Output);
    }

    [Fact]
    public async Task Merge_refuses_a_folder_with_other_things_and_leaves_it()
    {
        Directory.CreateDirectory(folder.PathOf("full"));
        File.WriteAllText(folder.PathOf("full/letter.txt"), "dear");

        var run = await Tool.Run("merge", "--model", Tool.Base, "--adapter", adapter, "--out", folder.PathOf("full"));

        Assert.Contains("letter.txt", run.Refusal(1), StringComparison.Ordinal);
        Assert.Equal([folder.PathOf("full/letter.txt")], Directory.GetFileSystemEntries(folder.PathOf("full")));
    }

    [Fact]
    public async Task An_adapter_of_another_base_is_refused_in_one_line()
    {
        var config = Path.Combine(adapter, "adapter_config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("v_proj", "x_proj", StringComparison.Ordinal));

        Assert.Contains("adapter", (await Tool.Run("generate", "--model", Tool.Base, "--adapter", adapter, "--prompt", Prompt)).Refusal(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Convert_keeps_every_bit()
    {
        var converted = folder.PathOf("converted");

        var run = await Tool.Run("convert", adapter, "--out", converted);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        using var before = SafetensorsFile.Open(Path.Combine(adapter, "adapter_model.safetensors"));
        using var after = SafetensorsFile.Open(Path.Combine(converted, "adapter_model.safetensors"));
        Assert.Equal(before.Entries.Keys.Order(StringComparer.Ordinal), after.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (var key in before.Entries.Keys)
        {
            using var scope = NewDisposeScope();
            Assert.Equal(before.Read(key).bytes.ToArray(), after.Read(key).bytes.ToArray());
        }
    }

    [Fact]
    public async Task Convert_asks_for_the_alpha_that_a_loralib_file_does_not_say()
    {
        var file = SharedData.PathOf("adapters/loralib-roberta-mnli/roberta_base_lora_mnli.bin");

        Assert.Contains("--alpha", (await Tool.Run("convert", file, "--out", folder.PathOf("converted"))).Refusal(1), StringComparison.Ordinal);
        Assert.Equal(0, (await Tool.Run("convert", file, "--alpha", "16", "--out", folder.PathOf("converted"))).ExitCode);
        using var json = JsonDocument.Parse((await Tool.Run("inspect", folder.PathOf("converted"), "--json")).Output);
        Assert.Equal(2.0, json.RootElement.GetProperty("layers")[0].GetProperty("scale").GetDouble()); // 16 / 8
    }

    [Fact]
    public async Task Convert_writes_loralibs_layout_and_tells_the_alpha_that_goes_with_it()
    {
        var file = folder.PathOf("lora.bin");

        var run = await Tool.Run("convert", adapter, "--to", "loralib", "--out", file);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("lora_alpha=8", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await Tool.Run("convert", file, "--alpha", "8", "--out", folder.PathOf("back"))).ExitCode);
        using var before = SafetensorsFile.Open(Path.Combine(adapter, "adapter_model.safetensors"));
        using var after = SafetensorsFile.Open(Path.Combine(folder.PathOf("back"), "adapter_model.safetensors"));
        Assert.Equal(before.Entries.Keys.Order(StringComparer.Ordinal), after.Entries.Keys.Order(StringComparer.Ordinal));
    }

    private void AssertMerged(string file)
    {
        using var scope = NewDisposeScope();
        using var merged = SafetensorsFile.Open(file);
        using var original = SafetensorsFile.Open(Path.Combine(Tool.Base, "model.safetensors"));
        var (before, after) = (Values(original.Read(Target + ".weight")), Values(merged.Read(Target + ".weight")));
        for (var row = 0; row < delta.GetLength(0); row++)
        {
            for (var column = 0; column < delta.GetLength(1); column++)
            {
                Assert.Equal(before[row, column] + delta[row, column], after[row, column], 1e-6);
            }
        }
    }

    private static double[,] Values(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        return (double[,])matrix.detach().to_type(ScalarType.Float64).clone().data<double>().ToNDArray();
    }

    private static double[,] Product(double[,] b, double[,] a, double scale)
    {
        var result = new double[b.GetLength(0), a.GetLength(1)];
        for (var row = 0; row < b.GetLength(0); row++)
        {
            for (var column = 0; column < a.GetLength(1); column++)
            {
                for (var r = 0; r < a.GetLength(0); r++)
                {
                    result[row, column] += scale * b[row, r] * a[r, column];
                }
            }
        }

        return result;
    }
}
