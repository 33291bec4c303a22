using LoraGen.Tests.RealAdapters;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Bert;
using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Roberta;
using LoraGen.Transformers.Tests.Encoders;
using LoraGen.Transformers.Tests.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.RealAdapters;

/// <summary>
/// Adapters that PEFT wrote for GPT-2 and the encoders, on bases of the right shape and random weights: every update finds its projection,
/// and every trained head the base's.
/// </summary>
public sealed class PublishedAdapterTests
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7];

    // Widths that no update touches are small, so that a base takes at most 0.4 GB.
    private static readonly Gpt2Config Gpt2 = new() { VocabSize = 50, NumPositions = 8, Width = 768, NumLayers = 12, NumHeads = 12, NumLabels = 6 };

    private static readonly Gpt2Config Gpt2Classifier = Gpt2 with { Inner = 16 };

    private static readonly BertConfig Bert = new()
    {
        VocabSize = 50,
        HiddenSize = 768,
        IntermediateSize = 16,
        NumHiddenLayers = 12,
        NumAttentionHeads = 12,
        MaxPositionEmbeddings = 12,
        TypeVocabSize = 2,
    };

    private static readonly BertConfig Roberta = Bert with { ModelType = "roberta", TypeVocabSize = 1, NumLabels = 4 };

    private static readonly DistilBertConfig DistilBert = new()
    {
        VocabSize = 50,
        Dim = 768,
        HiddenDim = 16,
        NumLayers = 6,
        NumHeads = 12,
        MaxPositionEmbeddings = 12,
        NumLabels = 6,
    };

    [Fact]
    public void GPT_2_with_c_attn_and_both_projections_of_the_name_c_proj()
        => Check<Gpt2LMHeadModel, Gpt2LMHeadModel.Adapter>("gpt2-causal-cattn-cproj-r8", new(Gpt2), Gpt2LMHeadModel.Adapter.Load, 36, factor: 4, []);

    [Fact]
    public void GPT_2_whose_adapter_is_a_pickle()
    {
        var folder = SharedData.PathOf("adapters/gpt2-causal-bin-r8");
        var file = TorchZipBytes.Parse(File.ReadAllBytes(Path.Combine(folder, "adapter_model.bin")));
        using var model = TinyModel.Filled(new Gpt2LMHeadModel(Gpt2));

        using var adapter = Gpt2LMHeadModel.Adapter.Load(folder, model);

        Assert.Equal(12, adapter.Updates.Count);
        Assert.All(adapter.Updates, update =>
        {
            Assert.Equal(4, update.Scale.Factor);
            Assert.Equal(file[$"base_model.model.{update.Path}.lora_A.weight"].Data, update.A.bytes.ToArray());
            Assert.Equal(file[$"base_model.model.{update.Path}.lora_B.weight"].Data, update.B.bytes.ToArray());
        });
    }

    [Fact]
    public void Llama_3_2_with_grouped_query_heads()
        => Check<LlamaForCausalLM, LlamaForCausalLM.Adapter>("llama3.2-1b-r8", new(Llama(layers: 16, keyValueHeads: 8)), LlamaForCausalLM.Adapter.Load, 32, factor: 4, []);

    [Theory]
    [InlineData("tinyllama-r4-therapist")]
    [InlineData("tinyllama-r4-keywords")]
    public void TinyLlama(string name)
        => Check<LlamaForCausalLM, LlamaForCausalLM.Adapter>(name, new(Llama(layers: 22, keyValueHeads: 4)), LlamaForCausalLM.Adapter.Load, 44, factor: 2, []);

    // 0.8 GB at most: the adapters' widths are what they are.
    private static LlamaConfig Llama(int layers, int keyValueHeads) => new()
    {
        VocabSize = 50,
        HiddenSize = 2048,
        IntermediateSize = 16,
        NumHiddenLayers = layers,
        NumAttentionHeads = 32,
        NumKeyValueHeads = keyValueHeads,
        MaxPositionEmbeddings = 12,
        TieWordEmbeddings = true,
    };

    // Its config lists no module to save, and its file has the head.
    [Fact]
    public void GPT_2_that_classifies()
        => Check<Gpt2ForSequenceClassification, Gpt2ForSequenceClassification.Adapter>(
            "gpt2-seqcls-r8", new(Gpt2Classifier), Gpt2ForSequenceClassification.Adapter.Load, 12, factor: 1, ["score.weight"],
            (model, adapter) => new NaiveGpt2(Gpt2Classifier, model, adapter).Classify(Ids));

    // Its config lists a score too, which BERT lacks.
    [Fact]
    public void BERT()
        => Check<BertForSequenceClassification, BertForSequenceClassification.Adapter>(
            "bert-base-r8", new(Bert), BertForSequenceClassification.Adapter.Load, 24, factor: 4, ["classifier.bias", "classifier.weight"],
            (model, adapter) => Logits(new NaiveBert(Bert, model, adapter)));

    // Its config lists both names twice, and its head has two projections.
    [Fact]
    public void RoBERTa()
        => Check<RobertaForSequenceClassification, RobertaForSequenceClassification.Adapter>(
            "roberta-r4-alpha96", new(Roberta), RobertaForSequenceClassification.Adapter.Load, 36, factor: 24,
            ["classifier.dense.bias", "classifier.dense.weight", "classifier.out_proj.bias", "classifier.out_proj.weight"],
            (model, adapter) => Logits(new NaiveBert(Roberta, model, adapter)));

    [Fact]
    public void DistilBERT()
        => Check<DistilBertForSequenceClassification, DistilBertForSequenceClassification.Adapter>(
            "distilbert-emotion", new(DistilBert), DistilBertForSequenceClassification.Adapter.Load, 12, factor: 2,
            ["classifier.bias", "classifier.weight", "pre_classifier.bias", "pre_classifier.weight"],
            (model, adapter) => Logits(new NaiveDistilBert(DistilBert, model, adapter)));

    [Fact]
    public void A_head_of_another_number_of_labels_is_refused()
    {
        using var model = new BertForSequenceClassification(Bert with { NumLabels = 3 });
        Refused("bert-base-r8", folder => BertForSequenceClassification.Adapter.Load(folder, model), "base_model.model.classifier.weight: expected shape [3, 768], found [2, 768]");
    }

    [Fact]
    public void A_head_that_the_base_lacks_is_refused_by_its_name()
    {
        using var model = new Gpt2LMHeadModel(Gpt2Classifier);
        Refused("gpt2-seqcls-r8", folder => Gpt2LMHeadModel.Adapter.Load(folder, model), "unexpected: [base_model.model.score.weight]");
    }

    [Fact]
    public void Another_method_is_refused()
    {
        using var model = new Gpt2ForSequenceClassification(Gpt2Classifier);
        Refused("NEG-gpt2-prompt-tuning", folder => Gpt2ForSequenceClassification.Adapter.Load(folder, model), "peft_type: expected LORA, found PROMPT_TUNING");
    }

    private static void Refused(string name, Action<string> load, string part)
    {
        var folder = SharedData.PathOf($"adapters/{name}");
        var refusal = Assert.Throws<LoraException>(() => load(folder));
        Assert.All([folder, part], text => Assert.Contains(text, refusal.Message, StringComparison.Ordinal));
    }

    private static double[] Logits(INaiveEncoder encoder) => encoder.ClassifySequence(encoder.Hidden(Ids, [.. Ids.Select(_ => true)], new int[Ids.Length]));

    private static void Check<TModel, TAdapter>(
        string name, TModel model, Func<string, TModel, TAdapter> load, int count, double factor, string[] head, Func<TModel, TAdapter, double[]>? naive = null)
        where TModel : nn.Module<Tensor, Tensor>, ILoraModel<TAdapter>
        where TAdapter : LoraAdapter
    {
        var folder = SharedData.PathOf($"adapters/{name}");
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors")));
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using (model)
        {
            foreach (var parameter in model.parameters())
            {
                _ = parameter.dim() == 1 ? parameter.fill_(1) : parameter.normal_(0, 0.02);
            }

            model.eval();
            using var adapter = load(folder, model);

            Assert.Equal(count, adapter.Updates.Count);
            Assert.Equal(2 * count + head.Length, file.Tensors.Count);
            foreach (var update in adapter.Updates)
            {
                Assert.Equal(factor, update.Scale.Factor);
                Assert.Equal(file.Tensors[$"base_model.model.{update.Path}.lora_A.weight"].Data, update.A.bytes.ToArray());
                Assert.Equal(file.Tensors[$"base_model.model.{update.Path}.lora_B.weight"].Data, update.B.bytes.ToArray());
            }

            Assert.All(head, key => Assert.Equal(file.Tensors[$"base_model.model.{key}"].Data, adapter.get_parameter(key)!.bytes.ToArray()));
            Assert.Equal(head, adapter.SavedProjections.SelectMany(saved => saved.named_parameters().Select(item => $"{saved.Path}.{item.name}")).Order(StringComparer.Ordinal));
            AssertMerges(model, adapter, naive);
        }
    }

    // The logits move to those of float64 and loops, the same way merged and unmerged; one merged weight is W + s B A by float64's account.
    private static void AssertMerges<TModel, TAdapter>(TModel model, TAdapter adapter, Func<TModel, TAdapter, double[]>? naive)
        where TModel : nn.Module<Tensor, Tensor>, ILoraModel<TAdapter>
        where TAdapter : LoraAdapter
    {
        using var ids = TinyModel.Ids(Ids);
        var first = adapter.Updates[0];
        var weight = model.state_dict()[$"{first.Path}.weight"];
        var (before, original, a, b) = (TinyModel.Rows(model.call(ids)), Values.Matrix(weight), Values.Matrix(first.A), Values.Matrix(first.B));
        model.ActiveAdapter = adapter;
        var unmerged = TinyModel.Rows(model.call(ids));
        if (naive is not null)
        {
            TinyModel.AssertClose([naive(model, adapter)], unmerged, tolerance: 1e-4);
        }

        model.Merge(adapter);

        Assert.NotEqual(before, unmerged);
        TinyModel.AssertClose(unmerged, TinyModel.Rows(model.call(ids)), tolerance: 1e-4);
        var merged = Values.Matrix(weight);
        foreach (var (o, i) in new[] { (0, 0), (5, 700), (700, 5), (767, 767) })
        {
            var product = Enumerable.Range(0, a.GetLength(0)).Sum(k => b[o, k] * a[k, i]);
            var (row, column) = first is Conv1DUpdate ? (i, o) : (o, i);
            Assert.Equal(original[row, column] + first.Scale.Factor * product, merged[row, column], tolerance: 1e-7);
        }
    }
}
