using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>Logits equal those of the float64 loops.</summary>
public sealed class ForwardTests
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11, 2, 5];

    public static TheoryData<string> Options => [.. Configs.Keys];

    private static readonly Dictionary<string, Gpt2Config> Configs = new()
    {
        ["as it is"] = TinyGpt2.Config,
        ["a feed-forward four times as wide"] = TinyGpt2.Config with { Inner = null },
        ["a head of its own"] = TinyGpt2.Config with { TieWordEmbeddings = false },
        ["scores not divided by the root of the width"] = TinyGpt2.Config with { ScaleAttnWeights = false },
        ["scores divided by the layer's number"] = TinyGpt2.Config with { ScaleAttnByInverseLayerIdx = true, NumLayers = 3 },
        ["attention in fp32"] = TinyGpt2.Config with { ReorderAndUpcastAttn = true },
        ["another epsilon"] = TinyGpt2.Config with { LayerNormEpsilon = 0.1 },
        ["one head"] = TinyGpt2.Config with { NumHeads = 1 },
        ["gelu"] = TinyGpt2.Config with { ActivationFunction = "gelu" },
        ["gelu_fast"] = TinyGpt2.Config with { ActivationFunction = "gelu_fast" },
        ["gelu_pytorch_tanh"] = TinyGpt2.Config with { ActivationFunction = "gelu_pytorch_tanh" },
        ["relu"] = TinyGpt2.Config with { ActivationFunction = "relu" },
        ["silu"] = TinyGpt2.Config with { ActivationFunction = "silu" },
        ["swish"] = TinyGpt2.Config with { ActivationFunction = "swish" },
        ["tanh"] = TinyGpt2.Config with { ActivationFunction = "tanh" },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void For_every_option_of_the_config(string option)
    {
        using var model = TinyGpt2.Create(Configs[option]);
        TinyModel.AssertClose(new NaiveGpt2(model.Config, model).Logits(Ids), TinyGpt2.Logits(model, Ids));
    }

    [Fact]
    public void For_each_row_of_a_batch_by_itself()
    {
        using var model = TinyGpt2.Create();
        var naive = new NaiveGpt2(model.Config, model);
        TinyModel.AssertClose([.. naive.Logits([3, 18, 0, 7]), .. naive.Logits([1, 2, 3, 4])], TinyGpt2.Logits(model, [3, 18, 0, 7], [1, 2, 3, 4]));
    }

    [Fact]
    public void With_gradients_as_without()
    {
        using var model = TinyGpt2.Create();
        using var ids = TinyModel.Ids(Ids);
        var logits = model.call(ids);
        Assert.True(logits.requires_grad);
        TinyModel.AssertClose(new NaiveGpt2(model.Config, model).Logits(Ids), TinyModel.Rows(logits));
    }

    [Fact]
    public void For_tokens_beside_padding_on_either_side()
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var model = TinyGpt2.Create();
        var ids = TinyModel.Ids([9, 9, 3, 18, 0], [1, 2, 3, 9, 9], [4, 5, 6, 7, 8]);
        var tokens = TinyModel.Tokens([0, 0, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]);

        var found = TinyModel.Rows(model.Logits(model.Hidden(ids, tokens: tokens)));

        var naive = new NaiveGpt2(model.Config, model);
        TinyModel.AssertClose(naive.Logits([3, 18, 0]), found[2..5]);
        TinyModel.AssertClose(naive.Logits([1, 2, 3]), found[5..8]);
        TinyModel.AssertClose(naive.Logits([4, 5, 6, 7, 8]), found[10..15]);
    }

    // Some fifteen rounded results one after the other, each within 2^-8 of its sizes.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_bf16_within_its_precision(bool inFp32)
    {
        using var model = TinyGpt2.Create(TinyGpt2.Config with { ReorderAndUpcastAttn = inFp32 });
        model.to(ScalarType.BFloat16);
        var expected = new NaiveGpt2(model.Config, model).Logits(Ids);
        var size = expected.SelectMany(logits => logits).Max(Math.Abs);
        foreach (var (wanted, found) in expected.Zip(TinyGpt2.Logits(model, Ids)))
        {
            Assert.All(wanted.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance: 15 * Math.ScaleB(size, -8)));
        }
    }

    // Without the option, bf16 rounds between the products.
    [Fact]
    public void Attention_in_fp32_is_another_sum_in_bf16_alone()
    {
        using var plain = TinyGpt2.Create();
        using var upcast = TinyGpt2.Create(TinyGpt2.Config with { ReorderAndUpcastAttn = true });
        Assert.Equal(TinyGpt2.Logits(plain, Ids), TinyGpt2.Logits(upcast, Ids));
        plain.to(ScalarType.BFloat16);
        upcast.to(ScalarType.BFloat16);
        Assert.NotEqual(TinyGpt2.Logits(plain, Ids), TinyGpt2.Logits(upcast, Ids));
    }

    // The mask of a padded batch meets queries of another dtype in a bf16 model in training.
    [Fact]
    public void A_padded_batch_in_bf16_has_gradients()
    {
        using var scope = NewDisposeScope();
        using var model = TinyGpt2.Create();
        model.to(ScalarType.BFloat16);
        using var adapter = TinyModel.Random(model.CreateAdapter());
        model.ActiveAdapter = adapter;
        var hidden = model.Hidden(TinyModel.Ids([9, 3, 18], [1, 2, 3]), tokens: TinyModel.Tokens([0, 1, 1], [1, 1, 1]));
        hidden.to_type(ScalarType.Float32).square().mean().backward();
        Assert.All(adapter.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>()));
    }

    [Fact]
    public void A_sequence_longer_than_there_are_positions_is_refused()
    {
        using var model = TinyGpt2.Create();
        using var longest = zeros(1, 16, ScalarType.Int64);
        using var longer = zeros(1, 17, ScalarType.Int64);
        model.call(longest).Dispose();
        var refusal = Assert.Throws<LoraException>(() => model.call(longer));
        Assert.Contains("A sequence of 17 tokens is longer than n_positions = 16.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pass_leaves_its_result_and_no_other_tensor()
    {
        using var inference = no_grad();
        using var model = TinyGpt2.Create();
        using var ids = TinyModel.Ids(Ids);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using var logits = model.call(ids);
        Assert.Equal(before + 1, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
