using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Transformers.Bert;
using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Roberta;

namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>A config.json is implemented as it is or refused by the key that is not.</summary>
public sealed class ConfigTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The configs of <see cref="TinyEncoder"/> as files' texts.</summary>
    internal static string Json(string family) => family switch
    {
        "distilbert" =>
            """
            {
              "model_type": "distilbert", "architectures": ["DistilBertForMaskedLM"], "vocab_size": 19, "dim": 24, "hidden_dim": 40, "n_layers": 2, "n_heads": 4,
              "max_position_embeddings": 12, "num_labels": 3
            }
            """,
        _ =>
            $$"""
            {
              "model_type": "{{family}}", "vocab_size": 19, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
              "max_position_embeddings": 12, "type_vocab_size": 2, "num_labels": 3, "pad_token_id": {{(family == "roberta" ? 1 : 0)}}
            }
            """,
    };

    [Fact]
    public void All_that_Hugging_Face_writes_for_BERT_is_read()
    {
        var config = ReadBert(
            "bert",
            ("hidden_act", "gelu_new"), ("hidden_dropout_prob", 0.2), ("attention_probs_dropout_prob", 0.3), ("classifier_dropout", 0.4), ("layer_norm_eps", 1e-5), ("initializer_range", 0.05),
            ("position_embedding_type", "absolute"), ("gradient_checkpointing", false), ("use_cache", true), ("torch_dtype", "float32"), ("transformers_version", "4.53.3"),
            ("problem_type", "single_label_classification"), ("directionality", "bidi"), ("pooler_fc_size", 768), ("pooler_type", "first_token_transform"), ("is_decoder", false), ("pruned_heads", new JsonObject()));
        Assert.Equal(
            TinyEncoder.Bert with
            {
                PadTokenId = 0,
                HiddenAct = "gelu_new",
                HiddenDropoutProb = 0.2,
                AttentionProbsDropoutProb = 0.3,
                ClassifierDropout = 0.4,
                LayerNormEps = 1e-5,
                InitializerRange = 0.05,
            },
            config);
    }

    [Fact]
    public void All_that_Hugging_Face_writes_for_RoBERTa_is_read()
        => Assert.Equal(
            TinyEncoder.Roberta with { LayerNormEps = 1e-5, NumLabels = 2 },
            ReadBert("roberta", ("layer_norm_eps", 1e-5), ("classifier_dropout", null), ("bos_token_id", 0), ("eos_token_id", 2), ("num_labels", null)));

    [Fact]
    public void All_that_Hugging_Face_writes_for_DistilBERT_is_read()
        => Assert.Equal(
            TinyEncoder.DistilBert with { Activation = "relu", Dropout = 0.2, AttentionDropout = 0.3, SeqClassifDropout = 0.4, InitializerRange = 0.05, NumLabels = 4 },
            ReadDistilBert(
                ("activation", "relu"), ("dropout", 0.2), ("attention_dropout", 0.3), ("seq_classif_dropout", 0.4), ("qa_dropout", 0.1), ("initializer_range", 0.05), ("pad_token_id", 0),
                ("sinusoidal_pos_embds", false), ("tie_weights_", true), ("num_labels", null), ("id2label", JsonNode.Parse("""{ "3": "d", "1": "b", "2": "c", "0": "a" }"""))));

    [Theory]
    [InlineData("model_type", "\"albert\"", "expected bert or roberta, found albert")]
    [InlineData("position_embedding_type", "\"relative_key\"", "expected absolute, found relative_key")]
    [InlineData("hidden_act", "\"mish\"", "expected one of gelu,")]
    [InlineData("hidden_size", "25", "expected a multiple of num_attention_heads (4), found 25")]
    [InlineData("num_hidden_layers", "0", "expected a positive number, found 0")]
    [InlineData("type_vocab_size", "0", "expected a positive number, found 0")]
    [InlineData("layer_norm_eps", "0", "expected a positive number, found 0")]
    [InlineData("hidden_dropout_prob", "1.5", "expected a probability in [0, 1), found 1.5")]
    [InlineData("classifier_dropout", "1", "expected a probability in [0, 1), found 1")]
    [InlineData("is_decoder", "true", "not implemented")]
    [InlineData("add_cross_attention", "true", "not implemented")]
    [InlineData("pruned_heads", "{ \"0\": [1] }", "not implemented")]
    [InlineData("id2label", "[\"a\"]", "expected an object with the keys 0, 1, ...")]
    [InlineData("num_labels", "4.5", "expected a positive number")]
    [InlineData("embedding_size", "16", "embedding_size")]
    [InlineData("vocab_size", null, "vocab_size")]
    [InlineData("intermediate_size", "\"wide\"", "intermediate_size")]
    public void Of_BERT_is_refused_by_name(string key, string? value, string named)
        => Refused(() => ReadBert("bert", (key, value is null ? null : JsonNode.Parse(value))), key, named);

    [Theory]
    [InlineData("max_position_embeddings", "2", "expected more than 2, found 2")]
    [InlineData("pad_token_id", "-2", "expected 0 or more, found -2")]
    public void Of_RoBERTa_is_refused_by_name(string key, string value, string named)
        => Refused(() => ReadBert("roberta", (key, JsonNode.Parse(value))), key, named);

    [Theory]
    [InlineData("model_type", "\"bert\"", "expected distilbert, found bert")]
    [InlineData("activation", "\"gelu_10\"", "expected one of gelu,")]
    [InlineData("dim", "26", "expected a multiple of n_heads (4), found 26")]
    [InlineData("n_layers", "-1", "expected a positive number, found -1")]
    [InlineData("seq_classif_dropout", "-0.5", "expected a probability in [0, 1), found -0.5")]
    [InlineData("type_vocab_size", "2", "type_vocab_size")]
    public void Of_DistilBERT_is_refused_by_name(string key, string value, string named)
        => Refused(() => ReadDistilBert((key, JsonNode.Parse(value))), key, named);

    [Fact]
    public void A_config_made_in_code_is_checked_too()
        => Assert.Contains(
            "BertConfig: hidden_act: expected one of",
            Assert.Throws<LoraException>(() => new BertForTokenClassification(TinyEncoder.Bert with { HiddenAct = "mish" })).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_config_of_the_other_architecture_is_refused()
    {
        foreach (var create in new Func<object>[]
        {
            () => new BertForSequenceClassification(TinyEncoder.Roberta), () => new BertForTokenClassification(TinyEncoder.Roberta),
            () => new RobertaForSequenceClassification(TinyEncoder.Bert), () => new RobertaForTokenClassification(TinyEncoder.Bert),
        })
        {
            Assert.Contains("BertConfig: model_type: expected", Assert.Throws<LoraException>(create).Message, StringComparison.Ordinal);
        }
    }

    private void Refused(Action read, params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(read);
        Assert.All([ConfigPath, .. named], part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    private string ConfigPath => _folder.PathOf("config.json");

    private BertConfig ReadBert(string family, params (string, JsonNode?)[] changes) => BertConfig.Read(Changed(family, changes));

    private DistilBertConfig ReadDistilBert(params (string, JsonNode?)[] changes) => DistilBertConfig.Read(Changed("distilbert", changes));

    private string Changed(string family, params (string Key, JsonNode? Value)[] changes)
    {
        var json = JsonNode.Parse(Json(family))!.AsObject();
        foreach (var (key, value) in changes)
        {
            json[key] = value;
        }

        File.WriteAllText(ConfigPath, json.ToJsonString());
        return ConfigPath;
    }
}
