using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Transformers.Llama;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>A config.json is read as Hugging Face means it, and refused by file, key, expected and found where that is not implemented.</summary>
public sealed class ConfigTests : IDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly string _path;

    public ConfigTests()
    {
        _path = _folder.PathOf("config.json");
        TinyLlama.Config().Write(_path);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Comes_back() => Assert.Equivalent(TinyLlama.Config(), LlamaConfig.Read(_path));

    [Fact]
    public void Has_Hugging_Faces_names()
    {
        var config = JsonNode.Parse(File.ReadAllText(_path))!.AsObject();
        Assert.Equal("llama", (string?)config["model_type"]);
        Assert.Equal("LlamaForCausalLM", (string?)config["architectures"]![0]);
        Assert.Equal(24, (int?)config["hidden_size"]);
        Assert.Equal(2, (int?)config["num_key_value_heads"]);
        Assert.True((bool?)config["tie_word_embeddings"]);
    }

    [Fact]
    public void What_Hugging_Face_leaves_out_has_its_defaults()
    {
        Edit(config =>
        {
            foreach (var key in new[] { "rms_norm_eps", "rope_theta", "tie_word_embeddings", "hidden_act" })
            {
                config.Remove(key);
            }
        });
        var config = LlamaConfig.Read(_path);
        Assert.Equal((1e-6, 10000.0, false), (config.RmsNormEps, config.RopeTheta, config.TieWordEmbeddings));
    }

    // As in the files of the first Llama.
    [Fact]
    public void Without_groups_and_head_width_there_is_a_key_for_each_head()
    {
        Edit(config =>
        {
            config.Remove("num_key_value_heads");
            config.Remove("head_dim");
        });
        Assert.Equal((4, 6), (LlamaConfig.Read(_path).NumKeyValueHeads, LlamaConfig.Read(_path).HeadDim));
    }

    [Fact]
    public void Mistral_without_a_word_about_its_window_has_one_and_with_null_none()
    {
        Edit(config => config["model_type"] = "mistral", config => config["architectures"]![0] = "MistralForCausalLM");
        Assert.Equal(4096, LlamaConfig.Read(_path).SlidingWindow);
        Edit(config => config["sliding_window"] = null);
        Assert.Null(LlamaConfig.Read(_path).SlidingWindow);
    }

    [Fact]
    public void Qwen3_without_a_word_about_its_heads_has_them_128_wide()
    {
        Edit(config => config["model_type"] = "qwen3", config => config["architectures"]![0] = "Qwen3ForCausalLM", config => config.Remove("head_dim"));
        Assert.Equal(128, LlamaConfig.Read(_path).HeadDim);
    }

    [Theory]
    [InlineData("2", new[] { 2 })]
    [InlineData("[128001, 128008]", new[] { 128001, 128008 })]
    public void One_id_that_ends_a_sequence_or_several(string json, int[] expected)
    {
        Edit(config => config["eos_token_id"] = JsonNode.Parse(json));
        Assert.Equal(expected, LlamaConfig.Read(_path).EosTokenIds);
        LlamaConfig.Read(_path).Write(_path);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), JsonNode.Parse(File.ReadAllText(_path))!["eos_token_id"]));
    }

    [Theory]
    [InlineData("""{"rope_scaling": {"rope_type": "linear", "factor": 2.0}, "rope_theta": 500}""")]
    [InlineData("""{"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_theta": 500}""")]
    [InlineData("""{"rope_scaling": {"type": "linear", "rope_type": "linear", "factor": 2.0}, "rope_theta": 500}""")]
    [InlineData("""{"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 500}}""")]
    [InlineData("""{"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 500, "partial_rotary_factor": 1.0}, "rope_scaling": null}""")]
    public void Every_spelling_of_a_rotary_scaling(string keys)
    {
        Merge(keys);
        var config = LlamaConfig.Read(_path);
        Assert.Equal(("linear", 2.0, 500.0), (config.RopeScaling!.RopeType, config.RopeScaling.Factor!.Value, config.RopeTheta));
    }

    [Theory]
    [InlineData("""{"rope_parameters": {"rope_type": "default", "rope_theta": 500}}""")]
    [InlineData("""{"rope_parameters": {"rope_theta": 500}}""")]
    [InlineData("""{"rope_scaling": {"rope_type": "default"}, "rope_theta": 500}""")]
    public void Rotary_parameters_that_scale_nothing(string keys)
    {
        Merge(keys);
        Assert.Equal((null, 500.0), (LlamaConfig.Read(_path).RopeScaling, LlamaConfig.Read(_path).RopeTheta));
    }

    [Theory]
    [InlineData("""{"rope_type": "mrope"}""", "rope_type: expected default, linear", "found mrope")]
    [InlineData("""{"rope_type": "linear"}""", "factor: expected a value for rope_type linear", "found none")]
    [InlineData("""{"rope_type": "linear", "factor": 0.5}""", "factor: expected at least 1", "found 0.5")]
    [InlineData("""{"rope_type": "linear", "factor": -2}""", "factor: expected a positive number", "found -2")]
    [InlineData("""{"rope_type": "linear", "factor": "two"}""", "rope_scaling", "factor")]
    [InlineData("""{"rope_type": "linear", "factor": 2, "beta_fast": 3}""", "beta_fast: expected no such key for rope_type linear", "found 3")]
    [InlineData("""{"rope_type": "linear", "factor": 2, "mrope_section": [1]}""", "rope_scaling.mrope_section: expected one of", "found mrope_section")]
    [InlineData("""{"rope_type": "linear", "type": "yarn", "factor": 2}""", "rope_scaling.type: expected the same as rope_type", "found \"yarn\"")]
    [InlineData("""{"rope_type": "linear", "factor": 2, "partial_rotary_factor": 0.5}""", "partial_rotary_factor: expected 1", "found 0.5")]
    [InlineData("""{"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1, "original_max_position_embeddings": 8}""", "high_freq_factor: expected more than", "found 1")]
    [InlineData("""{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}""", "original_max_position_embeddings: expected a value", "found none")]
    [InlineData("""{"rope_type": "dynamic", "factor": 2, "original_max_position_embeddings": 8}""", "original_max_position_embeddings: expected max_position_embeddings (32)", "found 8")]
    [InlineData("""{"rope_type": "longrope", "short_factor": [1, 2], "long_factor": [1, 2, 3], "original_max_position_embeddings": 8}""", "short_factor: expected 3 positive numbers", "found [1, 2]")]
    [InlineData("""{"rope_type": "longrope", "short_factor": [1, 2, 3], "long_factor": [1, 2, 0], "original_max_position_embeddings": 8}""", "long_factor: expected 3 positive numbers", "found [1, 2, 0]")]
    [InlineData("[1]", "rope_scaling: expected an object", "found [1]")]
    public void A_rotary_scaling_that_is_not_implemented(string scaling, string expected, string found)
    {
        Edit(config => config["rope_scaling"] = JsonNode.Parse(scaling));
        Refused(expected, found);
    }

    [Fact]
    public void Both_places_of_a_rotary_scaling()
    {
        Merge("""{"rope_scaling": {"rope_type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "linear", "factor": 4}}""");
        Refused("rope_scaling", "none beside rope_parameters");
    }

    [Fact]
    public void Keys_that_nobody_knows_are_all_named()
    {
        Merge("""{"logit_scale": 3, "num_local_experts": 8, "something_off": null, "transformers_version": "4.40"}""");
        Refused("logit_scale, num_local_experts: expected keys that are implemented for model_type llama");
    }

    // What files in the wild hold besides: of Llama 2 and 3, SmolLM2, Qwen2.5, and of fine-tunes.
    [Fact]
    public void Keys_that_have_no_effect_are_passed_over()
    {
        var expected = LlamaConfig.Read(_path);
        Merge("""
            {
              "_name_or_path": "x", "attention_dropout": 0.0, "initializer_range": 0.02, "is_llama_config": true, "max_length": 4096, "pad_token_id": -1,
              "pretraining_tp": 1, "rope_interleaved": false, "transformers.js_config": {"dtype": "q4"}, "transformers_version": "4.47.1", "unsloth_fixed": true,
              "use_cache": true, "use_mrope": false
            }
            """);
        Assert.Equivalent(expected, LlamaConfig.Read(_path), strict: true);
    }

    [Theory]
    [InlineData("llama", "LlamaForCausalLM", "sliding_window", "8")]
    [InlineData("llama", "LlamaForCausalLM", "use_sliding_window", "true")]
    [InlineData("mistral", "MistralForCausalLM", "attention_bias", "true")]
    [InlineData("mistral", "MistralForCausalLM", "mlp_bias", "true")]
    [InlineData("qwen2", "Qwen2ForCausalLM", "attention_bias", "true")]
    [InlineData("qwen3", "Qwen3ForCausalLM", "mlp_bias", "true")]
    public void An_option_of_another_member_of_the_family(string modelType, string architecture, string key, string value)
    {
        Edit(config => config["model_type"] = modelType, config => config["architectures"]![0] = architecture, config => config[key] = JsonNode.Parse(value));
        Refused(key, $"expected no such option for model_type {modelType}");
    }

    [Theory]
    [InlineData("[\"full_attention\"]", "expected 2 of them", "found 1")]
    [InlineData("[\"full_attention\", \"chunked_attention\"]", "expected full_attention or sliding_attention", "chunked_attention")]
    [InlineData("[\"full_attention\", \"sliding_attention\"]", "use_sliding_window is false", "found sliding_attention")]
    public void Layer_types_that_do_not_fit(string types, string expected, string found)
    {
        Edit(config => config["model_type"] = "qwen2", config => config["architectures"]![0] = "Qwen2ForCausalLM", config => config["layer_types"] = JsonNode.Parse(types));
        Refused("layer_types", expected, found);
    }

    [Fact]
    public void A_config_that_is_made_in_code_is_checked_too()
        => Assert.Contains("expected a divisor of 4", Assert.Throws<LoraException>(() => new LlamaForCausalLM(TinyLlama.Config() with { NumKeyValueHeads = 3 })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("model_type", "\"gpt2\"", "expected llama, mistral, qwen2, qwen3", "found gpt2")]
    [InlineData("model_type", "null", "expected llama, mistral, qwen2, qwen3", "found null")]
    [InlineData("model_type", "7", "expected a string", "found 7")]
    [InlineData("attention_dropout", "0.1", "expected 0", "found 0.1")]
    [InlineData("use_mrope", "true", "expected false", "found true")]
    [InlineData("rope_interleaved", "true", "expected false", "found true")]
    [InlineData("rms_norm_eps", "0", "a positive number", "found 0")]
    [InlineData("rope_theta", "0.5", "a number above 1", "found 0.5")]
    [InlineData("num_hidden_layers", "2000000000", "at most 10000", "found 2000000000")]
    [InlineData("head_dim", "7", "an even head width", "found 7")]
    [InlineData("hidden_act", "\"gelu\"", "expected silu", "found gelu")]
    [InlineData("hidden_size", "25", "a multiple of num_attention_heads (4)", "found 25")]
    [InlineData("hidden_size", "12", "an even head width", "found 3")]
    [InlineData("num_key_value_heads", "3", "a divisor of 4", "found 3")]
    public void A_value_that_is_not_implemented(string key, string value, string expected, string found)
    {
        Edit(config =>
        {
            if (key == "hidden_size")
                config.Remove("head_dim");
            config[key] = JsonNode.Parse(value);
        });
        Refused(key, expected, found);
    }

    [Theory]
    [InlineData("hidden_size")]
    [InlineData("vocab_size")]
    [InlineData("max_position_embeddings")]
    public void A_missing_key(string key)
    {
        Edit(config => config.Remove(key));
        Refused(key);
    }

    [Fact]
    public void A_value_of_another_type()
    {
        Edit(config => config["hidden_size"] = "wide");
        Refused("hidden_size");
    }

    [Theory]
    [InlineData("num_attention_heads", "0")]
    [InlineData("num_key_value_heads", "0")]
    [InlineData("num_attention_heads", "-4")]
    [InlineData("hidden_size", "0")]
    [InlineData("vocab_size", "-1")]
    [InlineData("num_hidden_layers", "0")]
    [InlineData("intermediate_size", "-8")]
    [InlineData("max_position_embeddings", "0")]
    public void A_size_that_no_model_has(string key, string value)
    {
        Edit(config => config[key] = JsonNode.Parse(value));
        Refused(key, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    public void A_file_that_is_no_object(string content)
    {
        File.WriteAllText(_path, content);
        Refused();
    }

    private void Merge(string keys) => Edit(config =>
    {
        foreach (var (key, value) in JsonNode.Parse(keys)!.AsObject())
        {
            config[key] = value?.DeepClone();
        }
    });

    private void Edit(params Action<JsonObject>[] edits)
    {
        var config = JsonNode.Parse(File.ReadAllText(_path))!.AsObject();
        foreach (var edit in edits)
        {
            edit(config);
        }

        File.WriteAllText(_path, config.ToJsonString());
    }

    private void Refused(params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => LlamaConfig.Read(_path));
        Assert.All(named.Prepend(_path), part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }
}
