using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Tests.RealAdapters;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Bert;
using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Roberta;
using LoraGen.Transformers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.RealAdapters;

/// <summary>
/// Adapters that PEFT wrote for GPT-2 and the encoders, on bases of the right shape and random weights: every update finds its projection.
/// What lies beside the updates, a trained head, is refused as long as it is not implemented.
/// </summary>
public sealed class PublishedAdapterTests
{
    // Widths that no update touches are small, so that a base takes at most 0.4 GB.
    private static readonly Gpt2Config Gpt2 = new() { VocabSize = 50, NumPositions = 8, Width = 768, NumLayers = 12, NumHeads = 12, NumLabels = 6 };

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
        => Check<Gpt2LMHeadModel, Gpt2LMHeadModel.Adapter>("gpt2-causal-cattn-cproj-r8", new(Gpt2), Gpt2LMHeadModel.Adapter.Load, 36, factor: 4);

    [Fact]
    public void GPT_2_that_classifies()
    {
        using var folder = WithoutHead("gpt2-seqcls-r8", "base_model.model.score.");
        Check<Gpt2ForSequenceClassification, Gpt2ForSequenceClassification.Adapter>(folder.Path, new(Gpt2 with { Inner = 16 }), Gpt2ForSequenceClassification.Adapter.Load, 12, factor: 1);
    }

    [Fact]
    public void BERT()
    {
        using var folder = WithoutHead("bert-base-r8", "base_model.model.classifier.");
        Check<BertForSequenceClassification, BertForSequenceClassification.Adapter>(folder.Path, new(Bert), BertForSequenceClassification.Adapter.Load, 24, factor: 4);
    }

    [Fact]
    public void RoBERTa()
    {
        using var folder = WithoutHead("roberta-r4-alpha96", "base_model.model.classifier.");
        Check<RobertaForSequenceClassification, RobertaForSequenceClassification.Adapter>(
            folder.Path, new(Bert with { ModelType = "roberta", TypeVocabSize = 1, NumLabels = 4 }), RobertaForSequenceClassification.Adapter.Load, 36, factor: 24);
    }

    [Fact]
    public void DistilBERT()
    {
        using var folder = WithoutHead("distilbert-emotion", "base_model.model.pre_classifier.", "base_model.model.classifier.");
        Check<DistilBertForSequenceClassification, DistilBertForSequenceClassification.Adapter>(
            folder.Path, new(DistilBert), DistilBertForSequenceClassification.Adapter.Load, 12, factor: 2);
    }

    [Theory]
    [InlineData("bert-base-r8", "modules_to_save", "classifier")]
    [InlineData("roberta-r4-alpha96", "modules_to_save", "classifier")]
    [InlineData("distilbert-emotion", "modules_to_save", "pre_classifier")]
    [InlineData("gpt2-seqcls-r8", "base_model.model.score.weight", "")]
    [InlineData("NEG-gpt2-prompt-tuning", "peft_type", "expected LORA, found PROMPT_TUNING")]
    public void A_trained_head_beside_the_updates_is_refused(string name, string place, string found)
    {
        var folder = SharedData.PathOf($"adapters/{name}");
        var refusal = Assert.Throws<LoraException>(() =>
        {
            switch (name[..4])
            {
                case "bert":
                    using (var model = new BertForSequenceClassification(Bert))
                        BertForSequenceClassification.Adapter.Load(folder, model);
                    break;
                case "robe":
                    using (var model = new RobertaForSequenceClassification(Bert with { ModelType = "roberta" }))
                        RobertaForSequenceClassification.Adapter.Load(folder, model);
                    break;
                case "dist":
                    using (var model = new DistilBertForSequenceClassification(DistilBert))
                        DistilBertForSequenceClassification.Adapter.Load(folder, model);
                    break;
                default:
                    using (var model = new Gpt2ForSequenceClassification(Gpt2 with { Inner = 16 }))
                        Gpt2ForSequenceClassification.Adapter.Load(folder, model);
                    break;
            }
        });
        Assert.All([folder, place, found], part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    private static void Check<TModel, TAdapter>(string nameOrFolder, TModel model, Func<string, TModel, TAdapter> load, int count, double factor)
        where TModel : nn.Module<Tensor, Tensor>, ILoraModel<TAdapter>
        where TAdapter : LoraAdapter
    {
        var folder = Path.IsPathRooted(nameOrFolder) ? nameOrFolder : SharedData.PathOf($"adapters/{nameOrFolder}");
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
            Assert.Equal(2 * count, file.Tensors.Count);
            foreach (var update in adapter.Updates)
            {
                Assert.Equal(factor, update.Scale.Factor);
                Assert.Equal(file.Tensors[$"base_model.model.{update.Path}.lora_A.weight"].Data, update.A.bytes.ToArray());
                Assert.Equal(file.Tensors[$"base_model.model.{update.Path}.lora_B.weight"].Data, update.B.bytes.ToArray());
            }

            AssertMerges(model, adapter);
        }
    }

    // The logits move, the same way merged and unmerged; one merged weight is W + s B A by float64's account.
    private static void AssertMerges<TModel, TAdapter>(TModel model, TAdapter adapter)
        where TModel : nn.Module<Tensor, Tensor>, ILoraModel<TAdapter>
        where TAdapter : LoraAdapter
    {
        using var ids = TinyModel.Ids([3, 18, 0, 7, 7]);
        var first = adapter.Updates[0];
        var weight = model.state_dict()[$"{first.Path}.weight"];
        var (before, original, a, b) = (TinyModel.Rows(model.call(ids)), Values.Matrix(weight), Values.Matrix(first.A), Values.Matrix(first.B));
        model.ActiveAdapter = adapter;
        var unmerged = TinyModel.Rows(model.call(ids));
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

    private static ScratchFolder WithoutHead(string name, params string[] prefixes)
    {
        var source = SharedData.PathOf($"adapters/{name}");
        var folder = new ScratchFolder();
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(Path.Combine(source, "adapter_model.safetensors")));
        foreach (var key in file.Tensors.Keys.Where(key => prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))).ToList())
        {
            file.Tensors.Remove(key);
        }

        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "adapter_config.json")))!;
        config["modules_to_save"] = null;
        File.WriteAllText(folder.PathOf("adapter_config.json"), config.ToJsonString());
        File.WriteAllBytes(folder.PathOf("adapter_model.safetensors"), file.ToArray());
        return folder;
    }
}
