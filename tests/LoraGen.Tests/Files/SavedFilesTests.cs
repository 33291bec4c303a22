using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;

namespace LoraGen.Tests.Files;

/// <summary>What Save writes is what PEFT writes: two files, these keys, these options.</summary>
public sealed class SavedFilesTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Two_files_and_no_other()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        var folder = _folder.PathOf("new/folder");
        adapter.Save(folder);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_keys_are_PEFTs()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        string[] projections =
        [
            .. from floor in new[] { 0, 1 }
               from room in new[] { "entrance", "h.0", "h.1" }
               from name in new[] { "up", "down" }
               select $"floors.{floor}.{room}.{name}",
            "lm_head",
        ];
        Assert.Equal(
            projections.SelectMany(path => new[] { $"base_model.model.{path}.lora_A.weight", $"base_model.model.{path}.lora_B.weight" }).Order(StringComparer.Ordinal),
            Save(adapter).Tensors.Keys);
    }

    [Fact]
    public void The_tensors_are_A_and_B_in_fp32()
    {
        using var model = new OneTarget(6, 4);
        using var adapter = model.CreateAdapter().Trained();
        var tensors = Save(adapter).Tensors;
        var (a, b) = (tensors["base_model.model.proj.lora_A.weight"], tensors["base_model.model.proj.lora_B.weight"]);
        Assert.Equal(("F32", "F32"), (a.Dtype, b.Dtype));
        Assert.Equal([3L, 6], a.Shape);
        Assert.Equal([4L, 3], b.Shape);
        Assert.Equal(Base.Bytes(adapter.proj.A), a.Data);
        Assert.Equal(Base.Bytes(adapter.proj.B), b.Data);
    }

    [Fact]
    public void The_metadata_says_pt_as_PEFTs_does_and_which_base_and_which_config_it_was()
    {
        using var model = new OneTarget(6, 4);
        using var adapter = model.CreateAdapter();
        var metadata = Save(adapter).Metadata;
        var config = SHA256.HashData(File.ReadAllBytes(_folder.PathOf("adapter_config.json")));
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["format"] = "pt",
                ["loragen.base_fingerprint"] = BaseFingerprint.Of(model),
                ["loragen.config_sha256"] = Convert.ToHexStringLower(config),
            },
            metadata);
    }

    // Exactly those that every PEFT since 0.5 knows: an older one fails on a key that it does not know.
    [Fact]
    public void The_config_has_these_options_and_values_and_no_other()
    {
        using var model = new OneTarget(6, 4);
        using var adapter = model.CreateAdapter(new LoraConfig { Dropout = 0.05, BaseModelNameOrPath = "some/base", TaskType = "CAUSAL_LM" });
        Save(adapter);
        AssertConfig("""
            {
              "alpha_pattern": {}, "auto_mapping": null, "base_model_name_or_path": "some/base", "bias": "none", "fan_in_fan_out": false,
              "inference_mode": true, "init_lora_weights": true, "layers_pattern": null, "layers_to_transform": null, "lora_alpha": 12,
              "lora_dropout": 0.05, "modules_to_save": null, "peft_type": "LORA", "r": 3, "rank_pattern": {}, "revision": null,
              "target_modules": ["proj"], "task_type": "CAUSAL_LM"
            }
            """);
    }

    [Fact]
    public void Rank_stabilisation_is_named_only_where_it_is_used()
    {
        using var model = new OneTarget(6, 4);
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = true });
        Save(adapter);
        AssertConfig("""
            {
              "alpha_pattern": {}, "auto_mapping": null, "base_model_name_or_path": null, "bias": "none", "fan_in_fan_out": false,
              "inference_mode": true, "init_lora_weights": true, "layers_pattern": null, "layers_to_transform": null, "lora_alpha": 12,
              "lora_dropout": 0, "modules_to_save": null, "peft_type": "LORA", "r": 3, "rank_pattern": {}, "revision": null,
              "target_modules": ["proj"], "task_type": null, "use_rslora": true
            }
            """);
    }

    [Fact]
    public void A_part_of_an_adapter_cannot_be_saved()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        var refusal = Assert.Throws<LoraException>(() => adapter.floors[1].Save(_folder.Path));
        Assert.Contains("floors.1", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Saving_twice_writes_the_same_bytes()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        adapter.Save(_folder.PathOf("a"));
        adapter.Save(_folder.PathOf("b"));
        Assert.All(
            new[] { "adapter_config.json", "adapter_model.safetensors" },
            name => Assert.Equal(File.ReadAllBytes(_folder.PathOf($"a/{name}")), File.ReadAllBytes(_folder.PathOf($"b/{name}"))));
    }

    private SafetensorsBytes Save(LoraAdapter adapter)
    {
        adapter.Save(_folder.Path);
        return SafetensorsBytes.Parse(File.ReadAllBytes(_folder.PathOf("adapter_model.safetensors")));
    }

    private void AssertConfig(string expected)
    {
        var found = JsonNode.Parse(File.ReadAllText(_folder.PathOf("adapter_config.json")))!;
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), found), found.ToJsonString());
    }
}
