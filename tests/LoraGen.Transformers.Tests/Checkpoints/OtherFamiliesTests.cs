using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Transformers.Bert;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Roberta;
using LoraGen.Transformers.Tests.Encoders;
using LoraGen.Transformers.Tests.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using TorchSharp;

namespace LoraGen.Transformers.Tests.Checkpoints;

/// <summary>GPT-2 and the encoders, saved by themselves and loaded by what their config.json says.</summary>
public sealed class OtherFamiliesTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    private static readonly Dictionary<string, Func<torch.nn.Module>> Models = new()
    {
        ["GPT2LMHeadModel"] = () => new Gpt2LMHeadModel(TinyGpt2.Config),
        ["GPT2ForSequenceClassification"] = () => new Gpt2ForSequenceClassification(TinyGpt2.Config),
        ["BertModel"] = () => new BertModel(TinyEncoder.Bert),
        ["BertForSequenceClassification"] = () => new BertForSequenceClassification(TinyEncoder.Bert),
        ["BertForTokenClassification"] = () => new BertForTokenClassification(TinyEncoder.Bert),
        ["RobertaModel"] = () => new BertModel(TinyEncoder.Roberta),
        ["RobertaForSequenceClassification"] = () => new RobertaForSequenceClassification(TinyEncoder.Roberta),
        ["RobertaForTokenClassification"] = () => new RobertaForTokenClassification(TinyEncoder.Roberta),
        ["DistilBertModel"] = () => new DistilBertModel(TinyEncoder.DistilBert),
        ["DistilBertForSequenceClassification"] = () => new DistilBertForSequenceClassification(TinyEncoder.DistilBert),
        ["DistilBertForTokenClassification"] = () => new DistilBertForTokenClassification(TinyEncoder.DistilBert),
    };

    public static TheoryData<string> Architectures => [.. Models.Keys];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Come_back_as_the_class_that_was_saved(string architecture)
    {
        using var model = TinyModel.Filled(Models[architecture]());
        ((IPretrainedModel)model).Save(_folder.Path);

        using var loaded = AutoModel.Load(_folder.Path);

        Assert.IsType(model.GetType(), loaded);
        Assert.Equal(_folder.Path, loaded.Folder);
        Assert.Equal(TinyCheckpoint.Bytes(model), TinyCheckpoint.Bytes((torch.nn.Module)loaded));
        Assert.Equal([architecture], Json()["architectures"]!.AsArray().Select(name => (string?)name));
    }

    [Fact]
    public void A_config_made_in_code_is_written_and_read_as_it_is()
    {
        var gpt2 = TinyGpt2.Config with { ActivationFunction = "relu", AttnPdrop = 0.3, ScaleAttnWeights = false, TieWordEmbeddings = false };
        Assert.Equivalent(gpt2, SaveAndLoad(new Gpt2LMHeadModel(gpt2)).Config, strict: true);
        var roberta = TinyEncoder.Roberta with { LayerNormEps = 1e-5, ClassifierDropout = 0.2, NumLabels = 5 };
        Assert.Equal(roberta, SaveAndLoad(new RobertaForTokenClassification(roberta)).Config);
        var distilBert = TinyEncoder.DistilBert with { SeqClassifDropout = 0.3, Activation = "relu", NumLabels = 2 };
        Assert.Equal(distilBert, SaveAndLoad(new DistilBertForSequenceClassification(distilBert)).Config);
    }

    // The pretrained model's config says neither the class nor the number of classes of what is made of it.
    [Fact]
    public void A_new_head_is_saved_with_its_number_of_classes()
    {
        using var language = TinyGpt2.Create();
        TinyModel.Write(_folder.Path, TinyGpt2.Json.Replace("\"num_labels\": 3", "\"id2label\": { \"0\": \"no\", \"1\": \"yes\" }, \"resid_pdrop\": 0.25", StringComparison.Ordinal), language);
        using var scratch = new ScratchFolder();
        using var made = Gpt2ForSequenceClassification.Load(_folder.Path, newLabels: 3);
        made.Save(scratch.Path);

        using var loaded = (Gpt2ForSequenceClassification)AutoModel.Load(scratch.Path);

        Assert.Equal(3, loaded.Config.NumLabels);
        Assert.Equal(0.25, loaded.Config.ResidPdrop);
        var json = JsonNode.Parse(File.ReadAllText(scratch.PathOf("config.json")))!;
        Assert.Equal("""{"0":"LABEL_0","1":"LABEL_1","2":"LABEL_2"}""", json["id2label"]!.ToJsonString());
        Assert.Equal("""{"LABEL_0":0,"LABEL_1":1,"LABEL_2":2}""", json["label2id"]!.ToJsonString());
    }

    [Fact]
    public void The_names_of_the_classes_are_carried_along()
    {
        using var model = TinyModel.Filled(new Gpt2ForSequenceClassification(TinyGpt2.Config));
        const string Names = """{"0":"no","1":"yes","2":"perhaps"}""";
        TinyModel.Write(_folder.Path, TinyGpt2.Json.Replace("\"num_labels\": 3", $"\"id2label\": {Names}", StringComparison.Ordinal), model);
        using var loaded = Gpt2ForSequenceClassification.Load(_folder.Path);
        loaded.Save(_folder.Path);
        Assert.Equal(Names, Json()["id2label"]!.ToJsonString());
        Assert.Equal("16", Json()["n_ctx"]!.ToJsonString());
    }

    [Fact]
    public void A_merged_adapter_is_saved_in_the_weights()
    {
        using var model = TinyGpt2.Create();
        using var adapter = TinyModel.Random(model.CreateAdapter());
        model.Merge(adapter);
        model.Save(_folder.Path);
        using var loaded = Gpt2LMHeadModel.Load(_folder.Path);
        Assert.Equal(TinyGpt2.Logits(model, [3, 18, 0]), TinyGpt2.Logits(loaded, [3, 18, 0]));
    }

    [Theory]
    [InlineData("BertForMaskedLM")]
    [InlineData("GPT2DoubleHeadsModel")]
    public void An_architecture_that_is_not_there_is_refused(string architecture)
    {
        File.WriteAllText(_folder.PathOf("config.json"), $$"""{ "model_type": "bert", "architectures": ["{{architecture}}"] }""");
        var refusal = Assert.Throws<LoraException>(() => AutoModel.Load(_folder.Path));
        Assert.All(["BertForSequenceClassification", $"found {architecture}"], part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    private TModel SaveAndLoad<TModel>(TModel model)
        where TModel : torch.nn.Module, IPretrainedModel
    {
        TinyModel.Filled(model).Save(_folder.Path);
        model.Dispose();
        return (TModel)AutoModel.Load(_folder.Path);
    }

    private JsonNode Json() => JsonNode.Parse(File.ReadAllText(_folder.PathOf("config.json")))!;
}
