using System.Text.Json.Nodes;
using LoraGen.Tests.Models;

namespace LoraGen.Tests.Files;

/// <summary>adapter_config.json must ask for nothing that would be passed over; the message names file, option, expected and found.</summary>
public sealed class StrictConfigTests : IDisposable
{
    private readonly SavedTower _saved = new();

    public void Dispose() => _saved.Dispose();

    [Theory]
    [InlineData("peft_type", "\"LOHA\"", "expected LORA", "found LOHA")]
    [InlineData("peft_type", "null", "expected LORA", "found nothing")]
    [InlineData("peft_type", "7", "expected a string", "found 7")]
    [InlineData("bias", "\"some\"", "expected none, all or lora_only", "found some")]
    [InlineData("lora_bias", "1", "expected true or false", "found 1")]
    [InlineData("fan_in_fan_out", "1", "expected true or false", "found 1")]
    [InlineData("layers_to_transform", "[0.5]", "expected a whole number", "found 0.5")]
    [InlineData("layers_to_transform", "\"all\"", "expected a finite number", "found \"all\"")]
    [InlineData("layers_pattern", "7", "expected a string", "found 7")]
    [InlineData("exclude_modules", "7", "expected a list of names or a pattern", "found 7")]
    [InlineData("exclude_modules", "[7]", "expected a string", "found 7")]
    [InlineData("layer_replication", "[[0, 2]]", "does not implement", "[[0,2]]")]
    [InlineData("target_parameters", "[\"experts\"]", "does not implement", "experts")]
    [InlineData("alora_invocation_tokens", "[1]", "does not implement", "[1]")]
    [InlineData("an_option_of_tomorrow", "1", "does not implement", "found 1")]
    [InlineData("init_lora_weights", "\"pissa\"", "leave the base as it is", "found \"pissa\"")]
    [InlineData("init_lora_weights", "\"pissa_niter_16\"", "leave the base as it is", "found \"pissa_niter_16\"")]
    [InlineData("init_lora_weights", "\"olora\"", "leave the base as it is", "found \"olora\"")]
    [InlineData("init_lora_weights", "\"loftq\"", "leave the base as it is", "found \"loftq\"")]
    [InlineData("init_lora_weights", "\"one_of_tomorrow\"", "leave the base as it is", "found \"one_of_tomorrow\"")]
    [InlineData("use_rslora", "\"yes\"", "expected true or false", "yes")]
    [InlineData("target_modules", "true", "expected a list of names or a pattern", "found true")]
    [InlineData("r", "8.5", "expected a whole number", "found 8.5")]
    [InlineData("r", "\"8\"", "expected a finite number", "found \"8\"")]
    [InlineData("r", "1e300", "expected a whole number", "found 1e300")]
    [InlineData("lora_alpha", "\"16\"", "expected a finite number", "found \"16\"")]
    [InlineData("lora_dropout", "[]", "expected a finite number", "found []")]
    [InlineData("rank_pattern", "[]", "expected an object", "found []")]
    [InlineData("rank_pattern", "{\"up\": 1.5}", "expected a whole number", "found 1.5")]
    [InlineData("alpha_pattern", "{\"up\": null}", "expected a finite number", "found null")]
    [InlineData("target_modules", "null", "expected a list of names or a pattern", "found nothing")]
    [InlineData("target_modules", "7", "expected a list of names or a pattern", "found 7")]
    [InlineData("target_modules", "[1]", "expected a string", "found 1")]
    public void An_option_of_another_value(string option, string value, string expected, string found)
    {
        _saved.EditConfig(config => config[option] = JsonNode.Parse(value));
        _saved.AssertRefused(_saved.ConfigPath, option, expected, found);
    }

    [Theory]
    [InlineData("r", "0", "r: expected a whole number of at least 1", "found 0")]
    [InlineData("r", "-3", "r: expected a whole number of at least 1", "found -3")]
    [InlineData("lora_alpha", "0", "alpha", "found 0")]
    [InlineData("lora_alpha", "1e999", "alpha", "found")]
    [InlineData("lora_dropout", "1", "dropout", "found 1")]
    [InlineData("target_modules", "[\"c_attn\"]", "c_attn", "floors.0.entrance.up")]
    [InlineData("target_modules", "\"c_attn\"", "c_attn", "floors.0.entrance.up")]
    [InlineData("target_modules", "\"(\"", "TargetModulesPattern", "(")]
    [InlineData("trainable_token_indices", "[1]", "TrainableTokenIndices: expected one embedding", "found []")]
    public void A_value_that_the_model_cannot_take(string option, string value, string expected, string found)
    {
        var text = File.ReadAllText(_saved.ConfigPath);
        var config = JsonNode.Parse(text)!.AsObject();
        config.Remove(option);
        File.WriteAllText(_saved.ConfigPath, config.ToJsonString()[..^1] + $", \"{option}\": {value}}}");
        _saved.AssertRefused(_saved.ConfigPath, expected, found);
    }

    // How A and B began says nothing of how they are applied, as long as they began beside the base and not out of it.
    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    [InlineData("null")]
    [InlineData("\"gaussian\"")]
    [InlineData("\"orthogonal\"")]
    [InlineData("\"eva\"")]
    public void An_initialisation_that_left_the_base_as_it_was_is_accepted(string value)
    {
        _saved.EditConfig(config => config["init_lora_weights"] = JsonNode.Parse(value));
        using var loaded = Tower.Adapter.Load(_saved.Folder, _saved.Model);
    }

    // The tensors of the file are what counts: PEFT passes over entries that its base has no module for.
    [Fact]
    public void A_target_that_this_base_lacks_is_passed_over_where_the_keys_are_all_there()
    {
        _saved.EditConfig(config => config["target_modules"]!.AsArray().Add("qkv_proj"));
        _saved.EditConfig(config => config["alpha_pattern"]!["qkv_proj"] = 3);
        using var loaded = Tower.Adapter.Load(_saved.Folder, _saved.Model);
        Assert.Equal(13, loaded.Updates.Count);
    }

    [Fact]
    public void A_rank_that_is_not_the_weights()
    {
        _saved.EditConfig(config => config["rank_pattern"]!["up"] = 4);
        _saved.AssertRefused(_saved.WeightsPath, "base_model.model.floors.0.entrance.up.lora_A.weight: expected shape [4, 5], found [3, 5]");
    }

    // Memory for a matrix of this size would be taken before its shape was ever compared.
    [Fact]
    public void A_rank_that_no_memory_could_hold()
    {
        _saved.EditConfig(config => config["rank_pattern"]!["lm_head"] = int.MaxValue);
        _saved.AssertRefused(_saved.WeightsPath, "lm_head.lora_A.weight: expected shape [2147483647, 5], found [2, 5]");
    }

    [Fact]
    public void A_rank_that_no_memory_could_hold_of_a_projection_that_the_weights_lack()
    {
        _saved.EditConfig(config => config["rank_pattern"]!["lm_head"] = int.MaxValue);
        _saved.EditWeights(file => file.Tensors.Remove("base_model.model.lm_head.lora_B.weight"));
        _saved.AssertRefused(_saved.WeightsPath, "lm_head.lora_A.weight: expected shape [2147483647, 5], found [2, 5]");
        _saved.EditWeights(file => file.Tensors.Remove("base_model.model.lm_head.lora_A.weight"));
        _saved.AssertRefused(_saved.WeightsPath, "expected 26 tensors; missing: [base_model.model.lm_head.lora_A.weight, base_model.model.lm_head.lora_B.weight]; unexpected: []");
    }

    [Fact]
    public void Options_without_end_are_not_quoted_whole()
    {
        foreach (var option in new[] { "peft_type", "an_option_of_tomorrow", "r", "bias", "target_modules" })
        {
            var before = File.ReadAllBytes(_saved.ConfigPath);
            _saved.EditConfig(config => config[option] = option == "target_modules" ? new JsonObject { ["x"] = new string('y', 1_000_000) } : new string('y', 1_000_000));
            Assert.InRange(_saved.AssertRefused(_saved.ConfigPath, option, "yyyy", "characters)").Length, 1, 1000);
            File.WriteAllBytes(_saved.ConfigPath, before);
        }

        foreach (var targets in new JsonNode[] { new string('y', 100_000), $"({new string('y', 100_000)}", new JsonArray(new string('y', 1_000_000)), new JsonArray([.. Enumerable.Range(0, 10_000).Select(i => $"yyyy{i}")]) })
        {
            _saved.EditConfig(config => config["target_modules"] = targets);
            Assert.InRange(_saved.AssertRefused(_saved.ConfigPath, "yyyy").Length, 1, 2000);
        }

        _saved.EditConfig(config => config[new string('z', 1_000_000)] = 1);
        Assert.InRange(_saved.AssertRefused(_saved.ConfigPath, "zzzz", "... (1000000 characters): expected").Length, 1, 1000);
    }

    // Windows' Notepad writes one.
    [Fact]
    public void A_byte_order_mark_is_no_defect()
    {
        File.WriteAllBytes(_saved.ConfigPath, [0xEF, 0xBB, 0xBF, .. File.ReadAllBytes(_saved.ConfigPath)]);
        using var loaded = Tower.Adapter.Load(_saved.Folder, _saved.Model);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"peft_type\": \"LORA\", \"peft_type\": \"LORA\", \"target_modules\": [\"up\"]}")]
    [InlineData("{\"peft_type\": \"LORA\", \"target_modules\": [\"up\"], \"rank_pattern\": {\"up\": 1, \"up\": 2}}")]
    [InlineData("\u0000\u0001")]
    public void A_file_that_is_no_object_of_options(string content)
    {
        File.WriteAllText(_saved.ConfigPath, content);
        _saved.AssertRefused(_saved.ConfigPath);
    }

    // JSON can spell half a character, which is no text that .NET would make a string of.
    [Theory]
    [InlineData("{\"peft_type\": \"\\ud800\", \"target_modules\": [\"up\"]}")]
    [InlineData("{\"peft_type\": \"LORA\", \"target_modules\": [\"\\ud800\"]}")]
    [InlineData("{\"peft_type\": \"LORA\", \"target_modules\": [\"up\"], \"rank_pattern\": {\"\\ud800\": 1}}")]
    [InlineData("{\"peft_type\": \"LORA\", \"target_modules\": [\"up\"], \"\\ud800\": null}")]
    public void A_file_with_half_a_character(string content)
    {
        File.WriteAllText(_saved.ConfigPath, content);
        _saved.AssertRefused(_saved.ConfigPath);
    }

    [Fact]
    public void A_file_that_nests_without_end()
    {
        File.WriteAllText(_saved.ConfigPath, string.Concat(Enumerable.Repeat("{\"a\":", 100_000)));
        _saved.AssertRefused(_saved.ConfigPath);
    }

    [Fact]
    public void A_file_that_is_not_UTF_8()
    {
        var bytes = File.ReadAllBytes(_saved.ConfigPath);
        bytes[Array.IndexOf(bytes, (byte)'u')] = 0xFF;
        File.WriteAllBytes(_saved.ConfigPath, bytes);
        _saved.AssertRefused(_saved.ConfigPath);
    }

    [Fact]
    public void A_missing_file()
    {
        File.Delete(_saved.ConfigPath);
        _saved.AssertRefused(_saved.ConfigPath);
    }
}
