using System.CommandLine;
using System.Text.Json;
using LoraGen;
using LoraGen.Transformers.Llama;
using SdkDocs.Commands;
using SdkDocs.Data;
using SdkDocs.Model;

namespace SdkDocs.Tests;

/// <summary>The main job itself, with few steps and few members.</summary>
public sealed class MainJobTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sdkdocs job").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void It_trains_compares_saves_and_proves()
    {
        SkipWithoutDocumentation();
        Assert.Equal(0, Run("--steps", "12", "--held-out", "12", "--out", _folder));

        using var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "report.json")));
        var methods = report.RootElement.GetProperty("methods").EnumerateArray().ToDictionary(method => method.GetProperty("name").GetString()!);
        Assert.Equal(["base", "lora", "full"], methods.Keys);

        // 6 layers, rank 8: q and o 2 * 8 * 512, k and v 2 * 8 * 384, gate, up and down 3 * 8 * 896.
        Assert.Equal(6 * 8 * (2 * 512 + 2 * 384 + 3 * 896), methods["lora"].GetProperty("trainable_parameters").GetInt64());
        Assert.Equal(0, methods["base"].GetProperty("trainable_parameters").GetInt64());
        Assert.InRange(methods["full"].GetProperty("trainable_parameters").GetInt64(), 5_000_000, 5_500_000);
        Assert.Equal(new FileInfo(Path.Combine(_folder, "adapter", "adapter_model.safetensors")).Length, methods["lora"].GetProperty("saved_bytes").GetInt64());

        var baseLoss = methods["base"].GetProperty("heldout_loss").GetDouble();
        Assert.Equal(Math.Exp(baseLoss), methods["base"].GetProperty("perplexity").GetDouble(), 6);
        Assert.True(methods["lora"].GetProperty("heldout_loss").GetDouble() < baseLoss, "Twelve steps of LoRA should already help.");
        Assert.True(methods["full"].GetProperty("heldout_loss").GetDouble() < baseLoss, "Twelve steps of full fine-tuning should already help.");
        Assert.All(methods.Values, method => Assert.InRange(method.GetProperty("bleu").GetDouble(), 0, 100));
        Assert.All(methods.Values, method => Assert.InRange(method.GetProperty("exact_match").GetDouble(), 0, 1));
        Assert.All(methods.Values, method => Assert.InRange(method.GetProperty("peak_bytes").GetInt64(), 100_000_000, 24_000_000_000));
        Assert.True(report.RootElement.GetProperty("base_restored_bit_exact").GetBoolean());
        Assert.InRange(report.RootElement.GetProperty("max_merge_difference").GetDouble(), 0, 1);
        Assert.Equal(1, report.RootElement.GetProperty("seed").GetInt32());
        Assert.Contains("--steps 12", report.RootElement.GetProperty("command").GetString());
    }

    [Fact]
    public void The_saved_adapter_opens_on_the_shipped_base()
    {
        SkipWithoutDocumentation();
        Assert.Equal(0, Run("--steps", "2", "--held-out", "2", "--skip-full", "--out", _folder));
        using var model = LlamaForCausalLM.Load(BaseModel.Folder);
        using var adapter = LlamaForCausalLM.Adapter.Load(Path.Combine(_folder, "adapter"), model);
        Assert.Equal(6 * 7, adapter.Updates.Count);
        Assert.False(Directory.Exists(Path.Combine(_folder, "full")));
    }

    [Fact]
    public void A_packs_folder_without_documentation_is_one_clear_error()
    {
        var error = Assert.Throws<LoraException>(() => Run("--packs", _folder, "--out", _folder));
        Assert.Contains("expected the XML documentation", error.Message);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("cuda:x")]
    [InlineData("cpu:7")]
    [InlineData("cuda:999")]
    public void A_device_that_is_not_there_is_one_clear_error(string device)
        => Assert.Contains(device, Assert.Throws<LoraException>(() => Run("--device", device, "--out", _folder)).Message);

    [Fact]
    public void A_folder_that_cannot_be_written_is_found_before_the_training()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var error = Assert.Throws<LoraException>(() => Run("--packs", Path.Combine(_folder, "none"), "--out", file));
        Assert.Contains(file, error.Message);
        Assert.Contains("cannot be written", error.Message);
    }

    [Theory]
    [InlineData("--steps", "0")]
    [InlineData("--held-out", "-1")]
    [InlineData("--steps", "abc")]
    public void A_number_below_one_or_no_number_is_refused(params string[] args) => Assert.NotEqual(0, Run(args));

    [Fact]
    public void The_shipped_base_fits_its_config_and_its_size_limit()
    {
        using var model = LlamaForCausalLM.Load(BaseModel.Folder);
        Assert.Equivalent(BaseModel.Config, model.Config, strict: true);
        Assert.InRange(Directory.GetFiles(BaseModel.Folder).Sum(file => new FileInfo(file).Length), 1, 16_000_000);
    }

    private static int Run(params string[] args)
        => FineTuneCommand.Create().Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });

    private static void SkipWithoutDocumentation()
    {
        try
        {
            SdkPacks.DocumentationFiles(null, DocCorpus.WebPack);
        }
        catch (LoraException e)
        {
            Assert.Skip($"This machine's .NET has no XML documentation: {e.Message}");
        }
    }
}
