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

    [Theory]
    [InlineData("model_type", "\"gpt2\"", "expected llama", "found gpt2")]
    [InlineData("hidden_act", "\"gelu\"", "expected silu", "found gelu")]
    [InlineData("rope_scaling", "{\"rope_type\": \"llama3\"}", "expected null", "llama3")]
    [InlineData("hidden_size", "25", "a multiple of num_attention_heads (4)", "found 25")]
    [InlineData("hidden_size", "12", "an even head width", "found 3")]
    [InlineData("num_key_value_heads", "3", "a divisor of 4", "found 3")]
    public void A_value_that_is_not_implemented(string key, string value, string expected, string found)
    {
        Edit(config => config[key] = JsonNode.Parse(value));
        Refused(key, expected, found);
    }

    [Theory]
    [InlineData("hidden_size")]
    [InlineData("vocab_size")]
    [InlineData("num_key_value_heads")]
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

    private void Edit(Action<JsonObject> edit)
    {
        var config = JsonNode.Parse(File.ReadAllText(_path))!.AsObject();
        edit(config);
        File.WriteAllText(_path, config.ToJsonString());
    }

    private void Refused(params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => LlamaConfig.Read(_path));
        Assert.All(named.Prepend(_path), part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }
}
