using LoraGen.Transformers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>Adapters on the encoders, under the names that Hugging Face and PEFT give their projections.</summary>
public sealed class AdapterTests
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11];

    public static TheoryData<string> Names => new(TinyEncoder.Names);

    public static TheoryData<string> Classifiers => new(TinyEncoder.Classifiers);

    [Theory]
    [MemberData(nameof(Classifiers))]
    public void By_default_query_and_value_are_adapted_as_in_PEFT(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        using var adapter = encoder.CreateAdapter();
        string[] expected = name.StartsWith("Distil", StringComparison.Ordinal)
            ? [.. from layer in new[] { 0, 1 } from part in new[] { "q_lin", "v_lin" } select $"distilbert.transformer.layer.{layer}.attention.{part}"]
            : [.. from layer in new[] { 0, 1 } from part in new[] { "query", "value" } select $"{name[..name.IndexOf("For", StringComparison.Ordinal)].ToLowerInvariant()}.encoder.layer.{layer}.attention.self.{part}"];
        Assert.Equal(expected, adapter.Updates.Select(update => update.Path));
    }

    [Theory]
    [InlineData("BertForSequenceClassification", "attention.self.query attention.self.key attention.self.value attention.output.dense intermediate.dense output.dense", "bert.pooler.dense")]
    [InlineData("RobertaForSequenceClassification", "attention.self.query attention.self.key attention.self.value attention.output.dense intermediate.dense output.dense", null)]
    [InlineData("DistilBertForSequenceClassification", "attention.q_lin attention.k_lin attention.v_lin attention.out_lin ffn.lin1 ffn.lin2", "pre_classifier")]
    public void All_linear_is_every_projection_but_the_head(string name, string parts, string? last)
    {
        using var encoder = TinyEncoder.Create(name);
        using var adapter = encoder.CreateAdapter(new LoraConfig { TargetModulesPattern = LoraConfig.AllLinear });
        var family = name[..name.IndexOf("For", StringComparison.Ordinal)].ToLowerInvariant();
        var layers = family == "distilbert" ? "distilbert.transformer.layer" : $"{family}.encoder.layer";
        var expected = (from layer in new[] { 0, 1 } from part in parts.Split(' ') select $"{layers}.{layer}.{part}").Concat(last is null ? [] : [last]);
        Assert.Equal(expected.Order(StringComparer.Ordinal), adapter.Updates.Select(update => update.Path).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_new_adapter_on_everything_changes_nothing(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        using var ids = TinyModel.Ids(Ids);
        var expected = encoder.Rows(ids);
        using var adapter = encoder.CreateAdapter(Everything);
        encoder.Activate(adapter);
        Assert.Equal(expected, encoder.Rows(ids));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_logits_are_those_of_W_plus_s_B_A_on_every_annotated_weight(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        using var ids = TinyModel.Ids(Ids);
        using var adapter = TinyModel.Random(encoder.CreateAdapter(Everything));
        encoder.Activate(adapter);

        TinyModel.AssertClose(encoder.Naive(Ids, adapter: adapter), encoder.Rows(ids));

        // Everything that has a matrix is a target.
        Assert.Equal(
            encoder.Model.named_parameters().Where(item => item.parameter.dim() == 2).Select(item => item.name).Order(StringComparer.Ordinal),
            adapter.Updates.Select(update => $"{update.Path}.weight").Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_merged_adapter_gives_the_same_logits(string name)
    {
        using var encoder = TinyEncoder.Create(name);
        using var ids = TinyModel.Ids(Ids);
        using var adapter = TinyModel.Random(encoder.CreateAdapter(Everything));
        var before = encoder.Rows(ids);
        encoder.Activate(adapter);
        var unmerged = encoder.Rows(ids);
        encoder.Merge(adapter);
        TinyModel.AssertClose(unmerged, encoder.Rows(ids), tolerance: 1e-5);
        encoder.Unmerge();
        Assert.Equal(before, encoder.Rows(ids));
    }

    [Theory]
    [MemberData(nameof(Classifiers))]
    public void Training_lowers_the_loss_and_leaves_the_base(string name)
    {
        using var scope = NewDisposeScope();
        using var encoder = TinyEncoder.Create(name);
        using var adapter = encoder.CreateAdapter();
        encoder.Activate(adapter);
        var optimizer = optim.AdamW(adapter.parameters(), lr: 2e-2);
        var ids = TinyModel.Ids([3, 18, 0, 7], [1, 2, 3, 9], [4, 5, 6, 7]);
        var tokens = TinyModel.Tokens([1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]);
        var labels = name.Contains("Sequence", StringComparison.Ordinal) ? tensor(new long[] { 0, 1, 2 }) : tensor(new long[] { 0, 1, 2, 0, 1, 1, 2, -100, 2, 0, 0, 1 });
        var before = Bytes(encoder.Model);
        var losses = Enumerable.Range(0, 30).Select(_ =>
        {
            optimizer.zero_grad();
            var loss = nn.functional.cross_entropy(encoder.Run(ids, tokens).reshape(-1, 3), labels);
            loss.backward();
            optimizer.step();
            return loss.item<float>();
        }).ToList();
        Assert.True(losses[^1] < 0.5 * losses[0], $"{losses[0]} to {losses[^1]}");
        Assert.Equal(before, Bytes(encoder.Model));
    }

    private static LoraConfig Everything => new() { Rank = 3, Alpha = 6, TargetModulesPattern = ".*" };

    private static Dictionary<string, byte[]> Bytes(nn.Module module) => module.state_dict().ToDictionary(item => item.Key, item => item.Value.bytes.ToArray());
}
