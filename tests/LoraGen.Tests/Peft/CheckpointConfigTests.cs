using System.Text.Json.Nodes;
using LoraGen.Peft;

namespace LoraGen.Tests.Peft;

/// <summary>Configs of all versions of PEFT are read, and what is no config of LoRA is refused by its option.</summary>
public sealed class CheckpointConfigTests : IDisposable
{
    private readonly AdapterFolder _adapter = new();

    public void Dispose() => _adapter.Dispose();

    [Fact]
    public void The_shortest_that_PEFT_loads()
    {
        _adapter.Config.Clear();
        (_adapter.Config["peft_type"], _adapter.Config["target_modules"]) = ("LORA", new JsonArray("q_proj", "v_proj"));
        foreach (var layer in new[] { AdapterFolder.Q, AdapterFolder.V })
        {
            _adapter.Add($"{layer}.lora_A.weight", 8, 5);
            _adapter.Add($"{layer}.lora_B.weight", 4, 8);
        }

        using var checkpoint = _adapter.Open();
        Assert.All(checkpoint.Updates, update => Assert.Equal((8, 8.0, 1.0), (update.Rank, update.Alpha, update.Scale)));
        Assert.Equal(("none", "true", false), (checkpoint.Config.Bias, checkpoint.Config.InitLoraWeights, checkpoint.Config.FanInFanOut));
        Assert.Empty(checkpoint.Config.Others);
    }

    // PEFT 0.2 wrote enable_lora and merge_weights, null and false for all but MergedLinear.
    [Fact]
    public void One_of_PEFT_0_2()
    {
        (_adapter.Config["enable_lora"], _adapter.Config["merge_weights"], _adapter.Config["modules_to_save"]) = (null, false, null);
        using var checkpoint = _adapter.Open();
        Assert.Null(checkpoint.Config.EnableLora);
        Assert.Empty(checkpoint.Config.Others);
    }

    [Fact]
    public void Patterns_and_rslora_decide_each_layers_scale()
    {
        _adapter.Add($"{AdapterFolder.V}.lora_A.weight", 4, 5);
        _adapter.Add($"{AdapterFolder.V}.lora_B.weight", 3, 4);
        _adapter.Config["rank_pattern"] = new JsonObject { ["v_proj"] = 4 };
        _adapter.Config["alpha_pattern"] = new JsonObject { [@"layers\.\d+\.v_proj"] = 10.5 };
        _adapter.Config["use_rslora"] = true;
        using var checkpoint = _adapter.Open();
        Assert.Equal((2, 3, 3 / Math.Sqrt(2)), (checkpoint.Updates[0].Rank, checkpoint.Updates[0].Alpha, checkpoint.Updates[0].Scale));
        Assert.Equal((4, 10.5, 10.5 / 2), (checkpoint.Updates[1].Rank, checkpoint.Updates[1].Alpha, checkpoint.Updates[1].Scale));
    }

    [Fact]
    public void A_string_as_target_and_options_that_are_set()
    {
        (_adapter.Config["target_modules"], _adapter.Config["auto_mapping"]) = (@".*\.[qv]_proj", new JsonObject { ["base_model_class"] = "Net" });
        (_adapter.Config["exclude_modules"], _adapter.Config["loftq_config"], _adapter.Config["an_option_of_tomorrow"]) = (null, new JsonObject(), 7);
        _adapter.Config["target_parameters"] = new JsonArray();
        using var checkpoint = _adapter.Open();
        Assert.Equal(@".*\.[qv]_proj", checkpoint.Config.TargetModulesPattern);
        Assert.Null(checkpoint.Config.TargetModules);
        Assert.Equal(["an_option_of_tomorrow", "auto_mapping"], checkpoint.Config.Others.Keys.Order());
        Assert.Equal("7", checkpoint.Config.Others["an_option_of_tomorrow"]);
    }

    [Theory]
    [InlineData("peft_type", "\"PROMPT_TUNING\"", "expected LORA, the one method that LoraGen reads, found PROMPT_TUNING")]
    [InlineData("peft_type", "\"ADALORA\"", "found ADALORA")]
    [InlineData("peft_type", "\"LOHA\"", "found LOHA")]
    [InlineData("peft_type", "null", "expected LORA, found nothing")]
    [InlineData("r", "0", "expected a whole number of at least 1, found 0")]
    [InlineData("r", "2.5", "expected a whole number of at least 1, found 2.5")]
    [InlineData("r", "1e99", "expected a whole number of at least 1, found 1e99")]
    [InlineData("r", "\"2\"", "expected a finite number")]
    [InlineData("lora_alpha", "1e999", "expected a finite number, found 1e999")]
    [InlineData("use_rslora", "1", "expected true or false, found 1")]
    [InlineData("bias", "\"some\"", "expected none, all or lora_only, found some")]
    [InlineData("target_modules", "7", "expected a list of names or a pattern, found 7")]
    [InlineData("target_modules", "[7]", "expected a string, found 7")]
    [InlineData("modules_to_save", "\"score\"", "expected a list of names")]
    [InlineData("rank_pattern", "[]", "expected an object, found []")]
    [InlineData("rank_pattern", "{\"(\": 2}", "expected a regular expression, found")]
    [InlineData("enable_lora", "[1]", "expected true or false, found 1")]
    [InlineData("target_parameters", "[\"experts.up\"]", "expected none, since LoraGen does not read updates of parameters outside layers")]
    public void An_option_is_refused(string option, string value, string message)
    {
        _adapter.Config[option] = JsonNode.Parse(value);
        var refusal = _adapter.Refusal();
        Assert.StartsWith($"{_adapter.ConfigPath}: {option}: ", refusal, StringComparison.Ordinal);
        Assert.Contains(message, refusal, StringComparison.Ordinal);
    }

    // JSON can say it, and no text can hold it.
    [Theory]
    [InlineData("""{"peft_type": "LORA", "base_model_name_or_path": "\ud800"}""")]
    [InlineData("""{"peft_type": "LORA", "\ud800": 1}""")]
    [InlineData("""{"peft_type": "LORA", "rank_pattern": {"\udc00": 1}}""")]
    [InlineData("""{"peft_type": "LORA", "auto_mapping": {"a": [1, "\ud800"]}}""")]
    public void Half_a_character(string config)
    {
        _adapter.Write();
        File.WriteAllText(_adapter.ConfigPath, config);
        Assert.StartsWith($"{_adapter.ConfigPath}: expected a JSON object of options in UTF-8", Assert.Throws<LoraException>(() => PeftCheckpoint.Open(_adapter.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_method_is_refused_before_its_weights_are_looked_at()
    {
        _adapter.Config["peft_type"] = "IA3";
        _adapter.Write();
        File.Delete(_adapter.WeightsPath);
        Assert.Contains("found IA3", Assert.Throws<LoraException>(() => PeftCheckpoint.Open(_adapter.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_weights()
    {
        _adapter.Write();
        File.Delete(_adapter.WeightsPath);
        var message = Assert.Throws<LoraException>(() => PeftCheckpoint.Open(_adapter.Path)).Message;
        Assert.Equal($"{_adapter.WeightsPath}: expected the weights of an adapter, found neither this file nor adapter_model.bin.", message);
    }

    [Fact]
    public void A_folder_with_both_kinds_of_weights_is_read_as_PEFT_does()
    {
        _adapter.WriteAsPickle();
        using var checkpoint = _adapter.Open();
        Assert.Equal(_adapter.WeightsPath, checkpoint.WeightsPath);
    }
}
