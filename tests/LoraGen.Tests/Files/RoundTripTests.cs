using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Tests.Files;

/// <summary>A saved adapter comes back as it was.</summary>
public sealed class RoundTripTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_outputs_are_equal_bit_for_bit(ScalarType dtype)
    {
        using var model = new Tower();
        model.to(dtype);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = true, TargetModules = ["up", "lm_head"] }).Trained();
        using var x = Base.Input(4, Tower.Width).to_type(dtype);
        model.ActiveAdapter = adapter;
        using var expected = model.call(x);
        adapter.Save(_folder.Path);

        using var loaded = Tower.Adapter.Load(_folder.Path, model);
        model.ActiveAdapter = loaded;

        using var found = model.call(x);
        Assert.Equal(Base.Bytes(expected), Base.Bytes(found));
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    [Fact]
    public void A_loaded_adapter_is_not_active_and_can_be_trained_further()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        adapter.Save(_folder.Path);
        using var loaded = Tower.Adapter.Load(_folder.Path, model);
        Assert.Null(model.ActiveAdapter);
        Assert.All(loaded.parameters(), parameter => Assert.True(parameter.requires_grad));
        Assert.All(model.parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    [Fact]
    public void The_config_comes_back()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = 4, Alpha = 6, Dropout = 0.5, UseRslora = true, BaseModelNameOrPath = "näme", TaskType = "CAUSAL_LM" });
        adapter.Save(_folder.Path);
        using var loaded = Tower.Adapter.Load(_folder.Path, model);
        Assert.Equal((4, 6, 0.5, true, "näme", "CAUSAL_LM"), (
            loaded.Config.Rank, loaded.Config.Alpha, loaded.Config.Dropout, loaded.Config.UseRslora, loaded.Config.BaseModelNameOrPath, loaded.Config.TaskType));
    }

    [Fact]
    public void A_loaded_adapter_saves_the_same_files()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter(new LoraConfig { RankPattern = new Dictionary<string, int> { ["h.1.up"] = 5 } }).Trained();
        adapter.Save(_folder.PathOf("a"));
        using var loaded = Tower.Adapter.Load(_folder.PathOf("a"), model);
        loaded.Save(_folder.PathOf("b"));
        Assert.All(
            new[] { "adapter_config.json", "adapter_model.safetensors" },
            name => Assert.Equal(File.ReadAllBytes(_folder.PathOf($"a/{name}")), File.ReadAllBytes(_folder.PathOf($"b/{name}"))));
    }

    [Fact]
    public void A_whole_adapter_knows_its_base_and_a_part_of_it_does_not()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        model.Merge(adapter);
        model.Unmerge();
        adapter.Save(_folder.Path);
        using var loaded = Tower.Adapter.Load(_folder.Path, model);
        Assert.Equal(BaseFingerprint.Of(model), adapter.BaseFingerprint);
        Assert.Equal(adapter.BaseFingerprint, loaded.BaseFingerprint);
        Assert.Null(adapter.floors[0].BaseFingerprint);
    }

    // The checkpoint of a base is read as bf16 here and as fp32 there; it is the same base.
    [Fact]
    public void The_same_base_in_another_dtype_has_the_same_fingerprint()
    {
        using var model = new Tower();
        model.to(ScalarType.BFloat16);
        var narrow = BaseFingerprint.Of(model);
        model.to(ScalarType.Float32);
        Assert.Equal(narrow, BaseFingerprint.Of(model));
    }

    [Fact]
    public void Another_value_or_key_or_shape_has_another_fingerprint()
    {
        using var values = arange(24, ScalarType.Float32);
        var before = Of("a", 4, 6);
        Assert.Matches("^[0-9a-f]{64}$", before);
        Assert.Equal(before, Of("a", 4, 6));
        Assert.NotEqual(before, Of("b", 4, 6));
        Assert.NotEqual(before, Of("a", 6, 4));
        values[23] = 24;
        Assert.NotEqual(before, Of("a", 4, 6));

        string Of(string key, long rows, long columns)
        {
            using var module = nn.Sequential((key, nn.Linear(new Parameter(values.reshape(rows, columns).clone()))));
            return BaseFingerprint.Of(module);
        }
    }

    // 262,144 and more values, of which 16,384 are looked at.
    [Theory]
    [InlineData(512, 512)]
    [InlineData(256, 4096)]
    [InlineData(1024, 768)]
    public void Another_value_throughout_one_column_has_another_fingerprint(int rows, int columns)
    {
        using var inference = no_grad();
        using var model = nn.Linear(columns, rows, hasBias: false);
        nn.init.ones_(model.weight);
        var before = BaseFingerprint.Of(model);
        foreach (var column in Enumerable.Range(0, 37).Append(columns - 1))
        {
            using var values = model.weight.narrow(1, column, 1);
            values.fill_(2);
            Assert.True(before != BaseFingerprint.Of(model), $"column {column} is not looked at");
            values.fill_(1);
        }
    }

    [Theory]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void Half_precision_tensors_are_widened_exactly(string dtype)
    {
        using var model = new OneTarget(6, 4);
        using var adapter = model.CreateAdapter();
        adapter.Save(_folder.Path);
        var path = _folder.PathOf("adapter_model.safetensors");
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(path));

        // 0x3E20 is 1.53125 in fp16 and 0.15625 in bf16.
        var data = Enumerable.Range(0, 3 * 6).SelectMany(_ => new byte[] { 0x20, 0x3E }).ToArray();
        file.Tensors["base_model.model.proj.lora_A.weight"] = new SafetensorsBytes.Stored(dtype, [3, 6], data);
        File.WriteAllBytes(path, file.ToArray());

        using var loaded = OneTarget.Adapter.Load(_folder.Path, model);

        Assert.Equal(ScalarType.Float32, loaded.proj.A.dtype);
        Assert.All(Values.Flat(loaded.proj.A), value => Assert.Equal(dtype == "F16" ? 1.53125 : 0.15625, value));
    }

    // PEFT records no fingerprint; its smallest config has two keys, and PEFT's defaults are the rest.
    [Fact]
    public void PEFTs_own_smallest_files_are_read()
    {
        using var model = new OneTarget(6, 4);
        var file = new SafetensorsBytes { Metadata = new() { ["format"] = "pt" } };
        file.Tensors["base_model.model.proj.lora_A.weight"] = new SafetensorsBytes.Stored("F32", [8, 6], new byte[8 * 6 * 4]);
        file.Tensors["base_model.model.proj.lora_B.weight"] = new SafetensorsBytes.Stored("F32", [4, 8], new byte[4 * 8 * 4]);
        File.WriteAllBytes(_folder.PathOf("adapter_model.safetensors"), file.ToArray());
        File.WriteAllText(_folder.PathOf("adapter_config.json"), """{"peft_type": "LORA", "target_modules": ["proj"]}""");

        using var loaded = OneTarget.Adapter.Load(_folder.Path, model);

        Assert.Equal(new LoraScale(8, 8, false), loaded.proj.Scale);
        Assert.Equal(0, loaded.proj.Dropout);
    }
}
