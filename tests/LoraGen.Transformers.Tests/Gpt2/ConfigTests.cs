using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Transformers.Gpt2;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>A config.json is implemented as it is or refused by the key that is not.</summary>
public sealed class ConfigTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void All_that_Hugging_Face_writes_is_read()
    {
        var config = Read(
            ("activation_function", "gelu_new"), ("attn_pdrop", 0.2), ("bos_token_id", 1), ("embd_pdrop", 0.3), ("eos_token_id", 2), ("initializer_range", 0.05), ("is_decoder", true),
            ("layer_norm_epsilon", 1e-4), ("pad_token_id", 3), ("reorder_and_upcast_attn", true), ("resid_pdrop", 0.4), ("scale_attn_by_inverse_layer_idx", true), ("scale_attn_weights", false),
            ("_num_labels", 1), ("output_past", true), ("summary_activation", null), ("summary_first_dropout", 0.1), ("summary_proj_to_labels", true), ("summary_type", "cls_index"), ("summary_use_proj", true),
            ("torch_dtype", "float32"), ("transformers_version", "4.53.3"), ("use_cache", true), ("tie_word_embeddings", false));

        Assert.Equivalent(
            TinyGpt2.Config with
            {
                AttnPdrop = 0.2,
                EmbdPdrop = 0.3,
                ResidPdrop = 0.4,
                InitializerRange = 0.05,
                BosTokenId = 1,
                EosTokenIds = [2],
                LayerNormEpsilon = 1e-4,
                ReorderAndUpcastAttn = true,
                ScaleAttnByInverseLayerIdx = true,
                ScaleAttnWeights = false,
                TieWordEmbeddings = false,
            },
            config);
    }

    [Fact]
    public void What_is_absent_or_null_is_what_transformers_takes()
    {
        var config = Read(("n_inner", null), ("layer_norm_epsilon", null), ("num_labels", null));
        Assert.Equal(TinyGpt2.Config with { Inner = null, NumLabels = 2 }, config);
        Assert.Equal(96, config.InnerWidth);
    }

    [Fact]
    public void The_classes_are_those_of_id2label()
    {
        var config = Read(("num_labels", null), ("id2label", JsonNode.Parse("""{ "0": "a", "1": "b", "2": "c", "3": "d" }""")), ("label2id", JsonNode.Parse("""{ "a": 0 }""")));
        Assert.Equal(4, config.NumLabels);
    }

    [Theory]
    [InlineData("model_type", "\"gpt_neo\"", "expected gpt2")]
    [InlineData("activation_function", "\"quick_gelu\"", "expected one of gelu,")]
    [InlineData("n_embd", "25", "expected a multiple of n_head (4), found 25")]
    [InlineData("n_layer", "0", "expected a positive number, found 0")]
    [InlineData("n_inner", "-1", "expected a positive number, found -1")]
    [InlineData("resid_pdrop", "1", "expected a probability in [0, 1), found 1")]
    [InlineData("attn_pdrop", "-0.1", "expected a probability in [0, 1), found -0.1")]
    [InlineData("add_cross_attention", "true", "found true")]
    [InlineData("pruned_heads", "{ \"0\": [1] }", "not implemented")]
    [InlineData("num_labels", "0", "expected a positive number")]
    [InlineData("id2label", "{ \"0\": \"a\" }", "num_labels: expected 1, the number of classes in id2label, found 3")]
    [InlineData("id2label", "{ \"1\": \"a\" }", "expected an object with the keys 0, 1, ...")]
    [InlineData("alibi", "true", "alibi")]
    [InlineData("quantization_config", "{ }", "quantization_config")]
    [InlineData("n_head", "\"four\"", "n_head")]
    [InlineData("n_positions", null, "n_positions")]
    public void Is_refused_by_name(string key, string? value, string named)
    {
        var refusal = Assert.Throws<LoraException>(() => Read((key, value is null ? null : JsonNode.Parse(value))));
        Assert.All([_folder.PathOf("config.json"), key, named], part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    private Gpt2Config Read(params (string Key, JsonNode? Value)[] changes)
    {
        var json = JsonNode.Parse(TinyGpt2.Json)!.AsObject();
        foreach (var (key, value) in changes)
        {
            json[key] = value;
        }

        File.WriteAllText(_folder.PathOf("config.json"), json.ToJsonString());
        return Gpt2Config.Read(_folder.PathOf("config.json"));
    }
}
