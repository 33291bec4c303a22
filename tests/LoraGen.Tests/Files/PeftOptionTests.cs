using System.Text.Json.Nodes;
using LoraGen.Tests.Models;

namespace LoraGen.Tests.Files;

/// <summary>
/// Every key of PEFT's adapter_config.json (0.20, src/peft/tuners/lora/config.py): at its default it is accepted, and what would change the result
/// and is not implemented is refused by its name.
/// </summary>
public sealed class PeftOptionTests : IDisposable
{
    // All of them with their defaults, but for those that every adapter has values of its own for.
    private const string Defaults = """
        {
          "alora_invocation_tokens": null, "arrow_config": null, "auto_mapping": null, "base_model_name_or_path": null, "bias": "none", "corda_config": null,
          "ensure_weight_tying": false, "eva_config": null, "exclude_modules": null, "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true,
          "kasa_config": null, "layer_replication": null, "layers_pattern": null, "layers_to_transform": null, "loftq_config": {}, "lora_bias": false,
          "lora_dropout": 0.0, "lora_ga_config": null, "megatron_config": null, "megatron_core": "megatron.core", "modules_to_save": null,
          "monteclora_config": null, "peft_type": "LORA", "peft_version": "0.20.1.dev0", "qalora_group_size": 16, "revision": null, "target_parameters": null,
          "task_type": null, "trainable_token_indices": null, "use_bdlora": null, "use_dora": false, "use_qalora": false, "use_rslora": false,
          "velora_config": null
        }
        """;

    private static readonly string[] OfEveryAdapter = ["alpha_pattern", "lora_alpha", "r", "rank_pattern", "target_modules"];

    // Read, or without effect on weights that are saved.
    private static readonly string[] Accepted =
    [
        "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "corda_config", "eva_config", "exclude_modules", "fan_in_fan_out", "inference_mode",
        "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha", "lora_bias", "lora_dropout", "lora_ga_config", "megatron_core", "modules_to_save",
        "peft_version", "qalora_group_size", "r", "rank_pattern", "revision", "target_modules", "task_type", "trainable_token_indices", "use_dora", "use_rslora",
    ];

    private readonly SavedTower _saved = new();

    public static TheoryData<string, string> Refused => new()
    {
        { "alora_invocation_tokens", "[529, 733]" },
        { "arrow_config", """{"top_k": 3, "router_temperature": 1.0}""" },
        { "ensure_weight_tying", "true" },
        { "init_lora_weights", "\"corda\"" },
        { "init_lora_weights", "\"loftq\"" },
        { "init_lora_weights", "\"lora_ga\"" },
        { "init_lora_weights", "\"olora\"" },
        { "init_lora_weights", "\"pissa\"" },
        { "init_lora_weights", "\"pissa_niter_4\"" },
        { "kasa_config", """{"beta": 0.0001}""" },
        { "layer_replication", "[[0, 4], [2, 5]]" },
        { "megatron_config", """{"tensor_model_parallel_size": 2}""" },
        { "monteclora_config", """{"num_samples": 8}""" },
        { "peft_type", "\"ADALORA\"" },
        { "target_parameters", "[\"mlp.experts.gate_up_proj\"]" },
        { "use_bdlora", "true" },
        { "use_bdlora", """{"nblocks": 2}""" },
        { "use_qalora", "true" },
        { "velora_config", """{"num_groups": 32}""" },
    };

    public void Dispose() => _saved.Dispose();

    [Fact]
    public void All_at_their_defaults_are_accepted()
    {
        using var before = Tower.Adapter.Load(_saved.Folder, _saved.Model);
        _saved.EditConfig(Merge);
        using var loaded = Tower.Adapter.Load(_saved.Folder, _saved.Model);
        Assert.Equal(Base.Bytes(before), Base.Bytes(loaded));

        static void Merge(JsonObject config)
        {
            foreach (var (key, value) in JsonNode.Parse(Defaults)!.AsObject())
            {
                config[key] = value?.DeepClone();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_is_not_implemented_is_refused_by_its_name(string option, string value)
    {
        _saved.EditConfig(config => config[option] = JsonNode.Parse(value));
        _saved.AssertRefused(_saved.ConfigPath, $"{option}: expected");
    }

    [Theory]
    [InlineData("corda_config", """{"corda_method": "kpm"}""")]
    [InlineData("eva_config", """{"rho": 2.0, "tau": 0.99}""")]
    [InlineData("loftq_config", """{"loftq_bits": 4, "loftq_iter": 1}""")]
    [InlineData("lora_ga_config", """{"direction": "ArB2r", "scale": "stable"}""")]
    [InlineData("qalora_group_size", "32")]
    [InlineData("runtime_config", """{"ephemeral_gpu_offload": true}""")]
    [InlineData("auto_mapping", """{"base_model_class": "Tower", "parent_library": "towers"}""")]
    public void What_has_no_effect_on_saved_weights_is_passed_over(string option, string value)
    {
        _saved.EditConfig(config => config[option] = JsonNode.Parse(value));
        using var loaded = Tower.Adapter.Load(_saved.Folder, _saved.Model);
    }

    [Fact]
    public void Every_key_is_in_one_of_the_lists()
        => Assert.Equal(
            JsonNode.Parse(Defaults)!.AsObject().Select(item => item.Key).Concat(OfEveryAdapter).Order(StringComparer.Ordinal),
            Refused.Select(row => row.Data.Item1).Concat(Accepted).Distinct().Order(StringComparer.Ordinal));
}
