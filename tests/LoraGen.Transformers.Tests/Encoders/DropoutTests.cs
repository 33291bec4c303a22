using LoraGen.Transformers.Tests.Reference;

namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>The base's own dropouts: each is drawn in training, and none at inference.</summary>
public sealed class DropoutTests
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11, 2];

    public static TheoryData<string, double, double, double> Berts => new()
    {
        { "BertModel", 0.5, 0, 0 }, { "BertModel", 0, 0.5, 0 },
        { "BertForSequenceClassification", 0, 0, 0.5 }, { "BertForTokenClassification", 0, 0, 0.5 },
        { "RobertaForSequenceClassification", 0, 0, 0.5 }, { "RobertaForTokenClassification", 0, 0, 0.5 },
    };

    public static TheoryData<string, double, double, double> DistilBerts => new()
    {
        { "DistilBertModel", 0.5, 0, 0 }, { "DistilBertModel", 0, 0.5, 0 }, { "DistilBertForSequenceClassification", 0, 0, 0.5 }, { "DistilBertForTokenClassification", 0.5, 0, 0 },
    };

    [Theory]
    [MemberData(nameof(Berts))]
    public void Of_BERT(string name, double hidden, double attention, double head)
    {
        var config = name.StartsWith("Bert", StringComparison.Ordinal) ? TinyEncoder.Bert : TinyEncoder.Roberta;
        AssertDrawn(TinyEncoder.Create(name, config with { HiddenDropoutProb = hidden, AttentionProbsDropoutProb = attention, ClassifierDropout = head }), expected: true);
        AssertDrawn(TinyEncoder.Create(name, config with { HiddenDropoutProb = 0, AttentionProbsDropoutProb = 0 }), expected: false);
    }

    [Theory]
    [MemberData(nameof(DistilBerts))]
    public void Of_DistilBERT(string name, double dropout, double attention, double head)
    {
        AssertDrawn(TinyEncoder.Create(name, distilBert: TinyEncoder.DistilBert with { Dropout = dropout, AttentionDropout = attention, SeqClassifDropout = head }), expected: true);
        AssertDrawn(TinyEncoder.Create(name, distilBert: TinyEncoder.DistilBert with { Dropout = 0, AttentionDropout = 0, SeqClassifDropout = 0 }), expected: false);
    }

    private static void AssertDrawn(TinyEncoder encoder, bool expected)
    {
        using (encoder)
        {
            using var ids = TinyModel.Ids(Ids);
            TinyModel.AssertClose(encoder.Naive(Ids), encoder.Rows(ids));
            encoder.Model.train();
            Assert.Equal(expected, !encoder.Rows(ids).SelectMany(row => row).SequenceEqual(encoder.Rows(ids).SelectMany(row => row)));
        }
    }
}
