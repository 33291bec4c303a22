using System.Text.Json;
using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using static LoraGen.Tests.Peft.AdapterFolder;

namespace LoraGen.Tests.Peft;

/// <summary>An adapter that is saved again is the same adapter: every bit of every tensor, and every option that says something.</summary>
public sealed class CheckpointSaveTests : IDisposable
{
    // What PEFT has known for long; an older one fails on any other key.
    private static readonly string[] LongEstablished =
    [
        "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "fan_in_fan_out", "inference_mode", "init_lora_weights", "layers_pattern", "layers_to_transform",
        "lora_alpha", "lora_dropout", "modules_to_save", "peft_type", "r", "rank_pattern", "revision", "target_modules", "task_type",
    ];

    private readonly AdapterFolder _adapter = new();
    private readonly ScratchFolder _saved = new();

    public void Dispose()
    {
        _adapter.Dispose();
        _saved.Dispose();
    }

    [Fact]
    public void Tensors_of_every_dtype_keep_their_bits()
    {
        _adapter.Weights.Tensors[$"{Q}.lora_A.weight"] = new("F16", [2, 5], [.. Enumerable.Range(0, 20).Select(i => (byte)(13 * i))]);
        _adapter.Weights.Tensors[$"{Q}.lora_B.weight"] = new("BF16", [4, 2], [.. Enumerable.Range(0, 16).Select(i => (byte)(11 * i))]);
        _adapter.Weights.Tensors["base_model.model.score.weight"] = new("F64", [1], BitConverter.GetBytes(Math.PI));
        AssertSame(_adapter.Weights, Save(_adapter.Write()));
    }

    [Fact]
    public void A_pickle_becomes_safetensors()
    {
        _adapter.Weights.Tensors[$"{Q}.lora_A.weight"] = new("F16", [2, 5], [.. Enumerable.Range(0, 20).Select(i => (byte)(13 * i))]);
        AssertSame(_adapter.Weights, Save(_adapter.WriteAsPickle()));
    }

    [Fact]
    public void Keys_become_those_of_today()
    {
        _adapter.Rename($"{Q}.lora_A.weight", "layers.0.q_proj.lora_A.default.weight");
        _adapter.Add("base_model.model.score.modules_to_save.default.weight", 3);
        _adapter.Add("base_model.model.score.original_module.weight", 3);
        _adapter.Add($"{V}.lora_magnitude_vector.default.weight", 3);
        var saved = Save(_adapter.Write());
        Assert.Equal(
            [
                $"{Q}.lora_A.weight", $"{Q}.lora_B.weight", $"{V}.lora_A.weight", $"{V}.lora_B.weight", $"{V}.lora_magnitude_vector", "base_model.model.score.weight",
            ],
            saved.Tensors.Keys);
        Assert.Equal(_adapter.Weights.Tensors["base_model.model.score.modules_to_save.default.weight"].Data, saved.Tensors["base_model.model.score.weight"].Data);
    }

    [Fact]
    public void Only_keys_that_PEFT_has_known_for_long_are_written()
    {
        foreach (var off in new[] { "corda_config", "use_dora", "use_qalora", "lora_bias" })
            _adapter.Config[off] = off.EndsWith("config", StringComparison.Ordinal) ? null : false;
        (_adapter.Config["peft_version"], _adapter.Config["qalora_group_size"], _adapter.Config["megatron_core"], _adapter.Config["loftq_config"]) = ("0.20.0", 16, "megatron.core", new JsonObject());
        Save(_adapter.Write());
        Assert.Equal(LongEstablished, Options().EnumerateObject().Select(option => option.Name));
    }

    [Fact]
    public void What_is_set_keeps_its_value()
    {
        var set = new JsonObject
        {
            ["alpha_pattern"] = new JsonObject { ["v_proj"] = 4.5 }, ["auto_mapping"] = new JsonObject { ["base_model_class"] = "Net" }, ["bias"] = "lora_only", ["exclude_modules"] = new JsonArray("lm_head"),
            ["fan_in_fan_out"] = true, ["init_lora_weights"] = "gaussian", ["layers_to_transform"] = new JsonArray(0), ["layers_pattern"] = "layers", ["lora_alpha"] = 3.5, ["lora_bias"] = true,
            ["lora_dropout"] = 0.25, ["modules_to_save"] = new JsonArray("score"), ["rank_pattern"] = new JsonObject { ["v_proj"] = 2 }, ["revision"] = "main",
            ["target_modules"] = ".*_proj", ["task_type"] = "SEQ_CLS", ["trainable_token_indices"] = new JsonArray(1, 2), ["use_rslora"] = true, ["use_dora"] = true,
        };
        foreach (var (option, value) in set)
            _adapter.Config[option] = value?.DeepClone();
        Save(_adapter.Write());
        var saved = JsonNode.Parse(Options().GetRawText())!.AsObject();
        Assert.All(set, option => Assert.True(JsonNode.DeepEquals(option.Value, saved[option.Key]), $"{option.Key}: {saved[option.Key]?.ToJsonString()}"));
        Assert.Equal("some/base", saved["base_model_name_or_path"]!.GetValue<string>());
    }

    [Fact]
    public void It_is_read_again_as_it_was()
    {
        _adapter.Config["modules_to_save"] = new JsonArray("score", "score");
        _adapter.Add("base_model.model.score.weight", 3);
        var before = PeftCheckpoint.Inspect(_adapter.Write().Path);
        Save(_adapter);
        var after = PeftCheckpoint.Inspect(_saved.Path);
        Assert.Equal(before.Updates.Select(update => (update.Update.Path, update.Update.Scale, update.Norm)), after.Updates.Select(update => (update.Update.Path, update.Update.Scale, update.Norm)));
        Assert.Equal(before.Saved.Select(tensor => tensor.Key), after.Saved.Select(tensor => tensor.Key));
        Assert.Empty(after.Oddities);
    }

    [Fact]
    public void It_may_replace_itself()
    {
        _adapter.Write();
        using (var checkpoint = PeftCheckpoint.Open(_adapter.Path))
            checkpoint.Save(_adapter.Path);
        AssertSame(_adapter.Weights, SafetensorsBytes.Parse(File.ReadAllBytes(_adapter.WeightsPath)));
    }

    [Fact]
    public void The_fingerprint_of_the_base_stays()
    {
        _adapter.Weights.Metadata!["loragen.base_fingerprint"] = "abc";
        Assert.Equal("abc", Save(_adapter.Write()).Metadata!["loragen.base_fingerprint"]);
    }

    [Fact]
    public void Another_prefix_stands_before_every_path()
    {
        _adapter.Write();
        using (var checkpoint = PeftCheckpoint.Open(_adapter.Path))
            checkpoint.Save(_saved.Path, "base_model.model.decoder.");
        using var saved = PeftCheckpoint.Open(_saved.Path);
        Assert.Equal(["decoder.layers.0.q_proj", "decoder.layers.0.v_proj"], saved.Updates.Select(update => update.Path));
    }

    [Fact]
    public void No_folder()
    {
        using var checkpoint = _adapter.Open();
        Assert.Throws<ArgumentException>(() => checkpoint.Save(" "));
        Assert.Throws<ArgumentNullException>(() => checkpoint.Save(_saved.Path, null!));
    }

    private SafetensorsBytes Save(AdapterFolder adapter)
    {
        using var checkpoint = PeftCheckpoint.Open(adapter.Path);
        checkpoint.Save(_saved.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], _saved.Names());
        return SafetensorsBytes.Parse(File.ReadAllBytes(_saved.PathOf("adapter_model.safetensors")));
    }

    private JsonElement Options() => JsonDocument.Parse(File.ReadAllText(_saved.PathOf("adapter_config.json"))).RootElement;

    private static void AssertSame(SafetensorsBytes expected, SafetensorsBytes found)
    {
        Assert.Equal(expected.Tensors.Keys, found.Tensors.Keys);
        foreach (var (key, tensor) in expected.Tensors)
        {
            Assert.Equal((tensor.Dtype, Convert.ToHexString(tensor.Data)), (found.Tensors[key].Dtype, Convert.ToHexString(found.Tensors[key].Data)));
            Assert.Equal(tensor.Shape, found.Tensors[key].Shape);
        }
    }
}
