using LoraGen.Transformers.Bert;
using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Roberta;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>Any of the encoders with any of their heads, and its naive counterpart, behind one face.</summary>
internal abstract class TinyEncoder : IDisposable
{
    public static BertConfig Bert { get; } = new()
    {
        VocabSize = 19,
        HiddenSize = 24,
        IntermediateSize = 40,
        NumHiddenLayers = 2,
        NumAttentionHeads = 4,
        MaxPositionEmbeddings = 12,
        TypeVocabSize = 2,
        NumLabels = 3,
    };

    public static BertConfig Roberta { get; } = Bert with { ModelType = "roberta", PadTokenId = 1 };

    public static DistilBertConfig DistilBert { get; } = new()
    {
        VocabSize = 19,
        Dim = 24,
        HiddenDim = 40,
        NumLayers = 2,
        NumHeads = 4,
        MaxPositionEmbeddings = 12,
        NumLabels = 3,
    };

    /// <summary>The names of all models, by Hugging Face's classes.</summary>
    public static string[] Names { get; } =
    [
        "BertModel", "BertForSequenceClassification", "BertForTokenClassification",
        "RobertaModel", "RobertaForSequenceClassification", "RobertaForTokenClassification",
        "DistilBertModel", "DistilBertForSequenceClassification", "DistilBertForTokenClassification",
    ];

    /// <summary>Those with a head.</summary>
    public static string[] Classifiers { get; } = [.. Names.Where(name => name.Contains("For", StringComparison.Ordinal))];

    public abstract nn.Module Model { get; }

    /// <summary>Logits, or the states of a model without a head.</summary>
    public abstract Tensor Run(Tensor ids, Tensor? tokens = null, Tensor? tokenTypes = null);

    public abstract LoraAdapter CreateAdapter(LoraConfig? config = null);

    public abstract void Activate(LoraAdapter? adapter);

    public abstract void Merge(LoraAdapter adapter);

    public abstract void Unmerge();

    /// <summary>The naive logits [1 or time][labels] of one sequence, or its states.</summary>
    public abstract double[][] Naive(int[] ids, bool[]? tokens = null, int[]? tokenTypes = null, LoraAdapter? adapter = null);

    public double[][] Rows(Tensor ids, Tensor? tokens = null, Tensor? tokenTypes = null)
    {
        using var inference = no_grad();
        return TinyModel.Rows(Run(ids, tokens, tokenTypes));
    }

    public void Dispose() => Model.Dispose();

    public static TinyEncoder Create(string name, BertConfig? bert = null, DistilBertConfig? distilBert = null)
    {
        var (b, r, d) = (bert ?? Bert, bert ?? Roberta, distilBert ?? DistilBert);
        return name switch
        {
            "BertModel" => Of<BertModel, BertModel.Adapter>(new(b), m => m.Encode, (m, a) => new NaiveBert(b, m, a)),
            "RobertaModel" => Of<BertModel, BertModel.Adapter>(new(r), m => m.Encode, (m, a) => new NaiveBert(r, m, a)),
            "DistilBertModel" => Of<DistilBertModel, DistilBertModel.Adapter>(new(d), m => (ids, tokens, _) => m.Encode(ids, tokens), (m, a) => new NaiveDistilBert(d, m, a)),
            "BertForSequenceClassification" => Of<BertForSequenceClassification, BertForSequenceClassification.Adapter>(new(b), m => m.Classify, (m, a) => new NaiveBert(b, m, a)),
            "BertForTokenClassification" => Of<BertForTokenClassification, BertForTokenClassification.Adapter>(new(b), m => m.Classify, (m, a) => new NaiveBert(b, m, a)),
            "RobertaForSequenceClassification" => Of<RobertaForSequenceClassification, RobertaForSequenceClassification.Adapter>(new(r), m => m.Classify, (m, a) => new NaiveBert(r, m, a)),
            "RobertaForTokenClassification" => Of<RobertaForTokenClassification, RobertaForTokenClassification.Adapter>(new(r), m => m.Classify, (m, a) => new NaiveBert(r, m, a)),
            "DistilBertForSequenceClassification" => Of<DistilBertForSequenceClassification, DistilBertForSequenceClassification.Adapter>(
                new(d), m => (ids, tokens, _) => m.Classify(ids, tokens), (m, a) => new NaiveDistilBert(d, m, a)),
            "DistilBertForTokenClassification" => Of<DistilBertForTokenClassification, DistilBertForTokenClassification.Adapter>(
                new(d), m => (ids, tokens, _) => m.Classify(ids, tokens), (m, a) => new NaiveDistilBert(d, m, a)),
            _ => throw new ArgumentException(name),
        };
    }

    private static TinyEncoder Of<TModel, TAdapter>(
        TModel model, Func<TModel, Func<Tensor, Tensor?, Tensor?, Tensor>> run, Func<TModel, LoraAdapter?, INaiveEncoder> naive)
        where TModel : nn.Module, ILoraModel<TAdapter>
        where TAdapter : LoraAdapter
        => new Case<TModel, TAdapter>(TinyModel.Filled(model), run, naive);

    private sealed class Case<TModel, TAdapter>(TModel model, Func<TModel, Func<Tensor, Tensor?, Tensor?, Tensor>> run, Func<TModel, LoraAdapter?, INaiveEncoder> naive)
        : TinyEncoder
        where TModel : nn.Module, ILoraModel<TAdapter>
        where TAdapter : LoraAdapter
    {
        public override nn.Module Model => model;

        public override Tensor Run(Tensor ids, Tensor? tokens = null, Tensor? tokenTypes = null) => run(model)(ids, tokens, tokenTypes);

        public override LoraAdapter CreateAdapter(LoraConfig? config = null) => model.CreateAdapter(config);

        public override void Activate(LoraAdapter? adapter) => model.ActiveAdapter = (TAdapter?)adapter;

        public override void Merge(LoraAdapter adapter) => model.Merge((TAdapter)adapter);

        public override void Unmerge() => model.Unmerge();

        public override double[][] Naive(int[] ids, bool[]? tokens = null, int[]? tokenTypes = null, LoraAdapter? adapter = null)
        {
            var encoder = naive(model, adapter);
            var hidden = encoder.Hidden(ids, tokens ?? [.. ids.Select(_ => true)], tokenTypes ?? new int[ids.Length]);
            return typeof(TModel).Name switch
            {
                var name when name.EndsWith("SequenceClassification", StringComparison.Ordinal) => [encoder.ClassifySequence(hidden)],
                var name when name.EndsWith("TokenClassification", StringComparison.Ordinal) => encoder.ClassifyTokens(hidden),
                _ => hidden,
            };
        }
    }
}
