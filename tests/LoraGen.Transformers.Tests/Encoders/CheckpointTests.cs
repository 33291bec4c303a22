using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Bert;
using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Roberta;
using LoraGen.Transformers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>The encoders' checkpoints as they are found in the wild, and those that are refused.</summary>
public sealed class CheckpointTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public static TheoryData<string> Names => new(TinyEncoder.Names);

    public static TheoryData<string> Classifiers => new(TinyEncoder.Classifiers);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Comes_back_bit_for_bit_and_ready_for_inference(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        Write(name, encoder.Model);
        using var loaded = Load(name);
        Assert.Equal(Bytes(encoder.Model), Bytes(loaded));
        Assert.All(loaded.modules().Append(loaded), module => Assert.False(module.training));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void With_the_buffers_and_heads_of_other_times_and_tasks(string name)
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create(name);
        var prefix = name.EndsWith("Model", StringComparison.Ordinal) ? "" : $"{Family(name)}.";
        List<(string, Tensor)> more = [($"{prefix}embeddings.position_ids", arange(12).unsqueeze(0))];
        more.AddRange(Family(name) switch
        {
            "bert" => [("cls.predictions.bias", zeros(19)), ("cls.seq_relationship.weight", zeros(2, 24))],
            "roberta" => [("lm_head.bias", zeros(19)), ("lm_head.dense.weight", zeros(24, 24))],
            _ => [("vocab_transform.weight", zeros(24, 24)), ("vocab_layer_norm.bias", zeros(24)), ("vocab_projector.weight", zeros(19, 24))],
        });
        if (name is "BertForTokenClassification" or "RobertaForTokenClassification" or "RobertaForSequenceClassification")
        {
            more.Add(($"{prefix}pooler.dense.weight", zeros(24, 24)));
        }

        Write(name, encoder.Model, null, [.. more]);
        using var loaded = Load(name);
        Assert.Equal(Bytes(encoder.Model), Bytes(loaded));
    }

    [Theory]
    [MemberData(nameof(Classifiers))]
    public void Without_the_prefix(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        Write(name, encoder.Model, key => key.StartsWith($"{Family(name)}.", StringComparison.Ordinal) ? key[(Family(name).Length + 1)..] : key);
        using var loaded = Load(name);
        Assert.Equal(Bytes(encoder.Model), Bytes(loaded));
    }

    [Theory]
    [InlineData("BertForSequenceClassification")]
    [InlineData("RobertaForTokenClassification")]
    public void With_the_names_that_TensorFlow_gives_a_norms_weights(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        Write(name, encoder.Model, key => key
            .Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal).Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal));
        using var loaded = Load(name);
        Assert.Equal(Bytes(encoder.Model), Bytes(loaded));
    }

    [Theory]
    [InlineData("BertForSequenceClassification", "BertModel")]
    [InlineData("RobertaForSequenceClassification", "RobertaModel")]
    [InlineData("DistilBertForSequenceClassification", "DistilBertModel")]
    public void An_encoder_is_read_out_of_a_classifiers_checkpoint(string classifier, string encoder)
    {
        using var whole = TinyEncoder.Create(classifier);
        Write(classifier, whole.Model);
        using nn.Module loaded = encoder == "DistilBertModel" ? DistilBertModel.Load(_folder.Path) : BertModel.Load(_folder.Path, pooler: encoder == "BertModel");
        var expected = Bytes(whole.Model).Where(item => item.Key.StartsWith($"{Family(encoder)}.", StringComparison.Ordinal)).ToDictionary(item => item.Key[(Family(encoder).Length + 1)..], item => item.Value);
        Assert.Equal(expected, Bytes(loaded));
    }

    [Fact]
    public void A_pooler_that_is_there_is_passed_over_where_none_is_wanted()
    {
        using var encoder = TinyEncoder.Create("BertModel");
        Write("BertModel", encoder.Model);
        using var loaded = BertModel.Load(_folder.Path, pooler: false);
        Assert.DoesNotContain(loaded.state_dict().Keys, key => key.Contains("pooler", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Classifiers))]
    public void A_bare_checkpoint_has_no_head_and_the_refusal_says_what_to_do(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        Write(name, encoder.Model, key => IsHead(name, key) ? null : key);
        var refusal = Assert.Throws<LoraException>(() => Load(name));
        Assert.All(encoder.Model.state_dict().Keys.Where(key => IsHead(name, key)), key => Assert.Contains(key, refusal.Message, StringComparison.Ordinal));
        Assert.Contains("pass newLabels", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Classifiers))]
    public void A_new_head_is_drawn_where_it_is_asked_for_and_takes_the_place_of_the_files(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        foreach (var rename in new Func<string, string?>[] { key => IsHead(name, key) ? null : key, key => key })
        {
            Write(name, encoder.Model, rename);
            using var loaded = Load(name, newLabels: 7);
            var (read, expected) = (loaded.state_dict(), Bytes(encoder.Model));
            foreach (var (key, weight) in read)
            {
                if (!IsHead(name, key))
                {
                    Assert.Equal(expected[key], weight.bytes.ToArray());
                }
                else if (key.EndsWith("bias", StringComparison.Ordinal))
                {
                    Assert.All(Values.Flat(weight), value => Assert.Equal(0, value));
                }
                else
                {
                    // N(0, 0.02^2), within six standard errors of the deviation of n values; the file's are fifteen times as large.
                    var values = Values.Flat(weight);
                    Assert.Equal(0.02, Math.Sqrt(values.Select(value => value * value).Average()), tolerance: 6 * 0.02 / Math.Sqrt(2 * values.Length));
                }
            }

            Assert.Equal(7, read[name == "RobertaForSequenceClassification" ? "classifier.out_proj.weight" : "classifier.weight"].shape[0]);
        }
    }

    [Fact]
    public void A_new_head_of_BERT_has_a_new_pooler_where_the_file_has_none()
    {
        using var encoder = TinyEncoder.Create("BertForTokenClassification");
        Write("BertForTokenClassification", encoder.Model);
        using var loaded = BertForSequenceClassification.Load(_folder.Path, newLabels: 2);
        var values = Values.Flat(loaded.state_dict()["bert.pooler.dense.weight"]);
        Assert.Equal(0.02, Math.Sqrt(values.Select(value => value * value).Average()), tolerance: 6 * 0.02 / Math.Sqrt(2 * values.Length));
        var refusal = Assert.Throws<LoraException>(() => BertForSequenceClassification.Load(_folder.Path));
        Assert.Contains("missing: [bert.pooler.dense.bias, bert.pooler.dense.weight]", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Missing_and_unexpected_keys_are_all_listed(string name)
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create(name);
        var missing = encoder.Model.state_dict().Keys.First(key => key.EndsWith("embeddings.LayerNorm.bias", StringComparison.Ordinal));
        Write(name, encoder.Model, key => key == missing ? null : key, ("something.weight", zeros(1)), ("else.weight", zeros(1)));
        var refusal = Assert.Throws<LoraException>(() => Load(name));
        Assert.Contains($"missing: [{missing}]; unexpected: [else.weight, something.weight]", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("BertForSequenceClassification", "RobertaForSequenceClassification")]
    [InlineData("RobertaForTokenClassification", "BertForTokenClassification")]
    [InlineData("DistilBertForTokenClassification", "BertForTokenClassification")]
    public void Of_another_architecture_is_refused_by_its_model_type(string written, string read)
    {
        using var encoder = TinyEncoder.Create(written);
        Write(written, encoder.Model);
        var refusal = Assert.Throws<LoraException>(() => Load(read));
        Assert.Contains($"model_type: expected {Family(read)}, found {Family(written)}", refusal.Message, StringComparison.Ordinal);
    }

    private static bool IsHead(string name, string key)
        => key.StartsWith("classifier.", StringComparison.Ordinal) || (name == "DistilBertForSequenceClassification" && key.StartsWith("pre_classifier.", StringComparison.Ordinal));

    private static string Family(string name) => name.Split("For")[0].Split("Model")[0].ToLowerInvariant();

    private void Write(string name, nn.Module model, Func<string, string?>? rename = null, params (string, Tensor)[] more)
        => TinyModel.Write(_folder.Path, ConfigTests.Json(Family(name)), model, rename, more);

    private nn.Module Load(string name, int? newLabels = null) => name switch
    {
        "BertModel" or "RobertaModel" => BertModel.Load(_folder.Path),
        "DistilBertModel" => DistilBertModel.Load(_folder.Path),
        "BertForSequenceClassification" => BertForSequenceClassification.Load(_folder.Path, newLabels: newLabels),
        "BertForTokenClassification" => BertForTokenClassification.Load(_folder.Path, newLabels: newLabels),
        "RobertaForSequenceClassification" => RobertaForSequenceClassification.Load(_folder.Path, newLabels: newLabels),
        "RobertaForTokenClassification" => RobertaForTokenClassification.Load(_folder.Path, newLabels: newLabels),
        "DistilBertForSequenceClassification" => DistilBertForSequenceClassification.Load(_folder.Path, newLabels: newLabels),
        _ => DistilBertForTokenClassification.Load(_folder.Path, newLabels: newLabels),
    };

    private static Dictionary<string, byte[]> Bytes(nn.Module module) => module.state_dict().ToDictionary(item => item.Key, item => item.Value.bytes.ToArray());
}
