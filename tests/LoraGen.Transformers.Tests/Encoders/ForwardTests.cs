using LoraGen.Transformers.Bert;
using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>States and logits equal those of the float64 loops.</summary>
public sealed class ForwardTests
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11, 2];

    public static TheoryData<string> Names => new(TinyEncoder.Names);

    private static readonly Dictionary<string, BertConfig> Berts = new()
    {
        ["gelu_new"] = TinyEncoder.Bert with { HiddenAct = "gelu_new" },
        ["relu"] = TinyEncoder.Bert with { HiddenAct = "relu" },
        ["another epsilon"] = TinyEncoder.Bert with { LayerNormEps = 0.1 },
        ["one head"] = TinyEncoder.Bert with { NumAttentionHeads = 1 },
        ["one token type"] = TinyEncoder.Bert with { TypeVocabSize = 1 },
        ["RoBERTa with another padding"] = TinyEncoder.Roberta with { PadTokenId = 3 },
        ["RoBERTa that does not say which id is padding"] = TinyEncoder.Roberta with { PadTokenId = null },
    };

    public static TheoryData<string> BertOptions => [.. Berts.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Of_every_model(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        using var ids = TinyModel.Ids(Ids);
        TinyModel.AssertClose(encoder.Naive(Ids), encoder.Rows(ids));
    }

    [Theory]
    [MemberData(nameof(BertOptions))]
    public void For_every_option_of_BERTs_config(string option)
    {
        var name = Berts[option].ModelType == "bert" ? "BertModel" : "RobertaModel";
        using var encoder = TinyEncoder.Create(name, Berts[option]);
        using var ids = TinyModel.Ids(Ids);
        TinyModel.AssertClose(encoder.Naive(Ids), encoder.Rows(ids));
    }

    [Theory]
    [InlineData("gelu_new", 4)]
    [InlineData("relu", 2)]
    public void For_every_option_of_DistilBERTs_config(string activation, int heads)
    {
        using var encoder = TinyEncoder.Create("DistilBertModel", distilBert: TinyEncoder.DistilBert with { Activation = activation, NumHeads = heads });
        using var ids = TinyModel.Ids(Ids);
        TinyModel.AssertClose(encoder.Naive(Ids), encoder.Rows(ids));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void With_padding_on_either_side(string name)
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create(name);
        int[][] ids = [[9, 9, 3, 18, 0], [5, 1, 2, 9, 9], [4, 5, 6, 7, 8]];
        int[][] mask = [[0, 0, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]];

        var found = encoder.Rows(TinyModel.Ids(ids), TinyModel.Tokens(mask)).Chunk(name.Contains("Sequence", StringComparison.Ordinal) ? 1 : 5).ToList();

        for (var row = 0; row < ids.Length; row++)
        {
            TinyModel.AssertClose(encoder.Naive(ids[row], [.. mask[row].Select(isToken => isToken == 1)]), found[row]);
        }
    }

    // The positions of BERT's tokens move with padding on the left, which transformers does too.
    [Theory]
    [InlineData("BertModel", true, true)]
    [InlineData("RobertaModel", true, true)]
    [InlineData("DistilBertModel", true, true)]
    [InlineData("RobertaModel", false, true)]
    [InlineData("BertModel", false, false)]
    [InlineData("DistilBertModel", false, false)]
    public void Of_a_padded_row_are_those_of_the_row_alone(string name, bool isPaddedOnTheRight, bool areEqual)
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create(name);
        var alone = encoder.Rows(TinyModel.Ids([3, 18, 0]));
        var padded = isPaddedOnTheRight
            ? encoder.Rows(TinyModel.Ids([3, 18, 0, 9]), TinyModel.Tokens([1, 1, 1, 0]))[..3]
            : encoder.Rows(TinyModel.Ids([9, 3, 18, 0]), TinyModel.Tokens([0, 1, 1, 1]))[1..];
        if (areEqual)
        {
            TinyModel.AssertClose(alone, padded);
        }
        else
        {
            Assert.True(alone[0].Zip(padded[0], (a, b) => Math.Abs(a - b)).Max() > 1e-2);
        }
    }

    [Theory]
    [InlineData("BertModel")]
    [InlineData("BertForSequenceClassification")]
    [InlineData("BertForTokenClassification")]
    [InlineData("RobertaModel")]
    [InlineData("RobertaForSequenceClassification")]
    [InlineData("RobertaForTokenClassification")]
    public void Of_a_pair_of_texts(string name)
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create(name);
        int[] types = [0, 0, 0, 1, 1, 1, 1];
        TinyModel.AssertClose(encoder.Naive(Ids, tokenTypes: types), encoder.Rows(TinyModel.Ids(Ids), tokenTypes: TinyModel.Ids(types)));
    }

    [Fact]
    public void The_pooled_state_of_a_bare_encoder()
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        using var model = TinyModel.Filled(new BertModel(TinyEncoder.Bert));
        var naive = new NaiveBert(TinyEncoder.Bert, model);
        var expected = naive.Pool(naive.Hidden(Ids, [.. Ids.Select(_ => true)], new int[Ids.Length]));
        TinyModel.AssertClose([expected], TinyModel.Rows(model.Pool(model.Encode(TinyModel.Ids(Ids)))));
        using var without = new BertModel(TinyEncoder.Bert, pooler: false);
        Assert.Contains("without a pooler", Assert.Throws<LoraException>(() => without.Pool(zeros(1, 1, 24))).Message, StringComparison.Ordinal);
    }

    // Some twenty rounded results one after the other, each within 2^-8 of its sizes.
    [Theory]
    [MemberData(nameof(Names))]
    public void In_bf16_within_its_precision(string name)
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create(name);
        encoder.Model.to(ScalarType.BFloat16);
        var expected = encoder.Naive(Ids);
        var size = expected.SelectMany(row => row).Max(Math.Abs);
        foreach (var (wanted, found) in expected.Zip(encoder.Rows(TinyModel.Ids(Ids))))
        {
            Assert.All(wanted.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance: 20 * Math.ScaleB(size, -8)));
        }
    }

    [Theory]
    [InlineData("BertModel", 12)]
    [InlineData("RobertaModel", 10)]
    [InlineData("DistilBertModel", 12)]
    public void A_sequence_longer_than_there_are_positions_is_refused(string name, int longest)
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create(name);
        encoder.Rows(zeros(1, longest, ScalarType.Int64));
        var refusal = Assert.Throws<LoraException>(() => encoder.Run(zeros(1, longest + 1, ScalarType.Int64)));
        Assert.Contains($"A sequence of {longest + 1} tokens is longer than the {longest}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inputs_of_other_shapes_or_dtypes_are_refused()
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create("BertModel");
        var ids = TinyModel.Ids([1, 2], [3, 4]);
        Refused("The padding mask, true for tokens: expected Bool [2, 2] like the ids, found Bool [1, 2]", () => encoder.Run(ids, TinyModel.Tokens([1, 1])));
        Refused("found Int64 [2, 2]", () => encoder.Run(ids, ids));
        Refused("Token types: expected Int64 [2, 2] like the ids, found Int64 [2, 1]", () => encoder.Run(ids, null, TinyModel.Ids([0], [0])));
        Refused("Token ids: expected [batch, time], found [2]", () => encoder.Run(tensor(new long[] { 1, 2 })));

        static void Refused(string message, Action run) => Assert.Contains(message, Assert.Throws<LoraException>(run).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_pass_leaves_its_result_and_no_other_tensor(string name)
    {
        using var inference = no_grad();
        using var encoder = TinyEncoder.Create(name);
        using var ids = TinyModel.Ids([3, 18, 0], [1, 2, 3]);
        using var tokens = TinyModel.Tokens([1, 1, 1], [1, 1, 0]);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using var result = encoder.Run(ids, tokens);
        Assert.Equal(before + 1, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
