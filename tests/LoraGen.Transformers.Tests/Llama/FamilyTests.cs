using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>Every option of the family against the float64 loops, in every way of reading a sequence, and under LoRA.</summary>
public sealed class FamilyTests
{
    private static readonly long[] Prompt = [3, 18, 0, 7, 7, 11, 2, 5, 1, 9, 14];

    public static TheoryData<string> Names => FamilyConfigs.Names;

    [Theory, MemberData(nameof(Names))]
    public void Logits_are_those_of_the_loops(string name)
    {
        using var model = TinyLlama.Create(FamilyConfigs.Of(name));
        AssertSame(Naive(model, Prompt), Logits(model, Prompt));
    }

    // Other frequencies hold beyond the length of pretraining.
    [Theory]
    [InlineData("rope linear", 60)]
    [InlineData("rope dynamic", 50)]
    [InlineData("rope yarn", 60)]
    [InlineData("rope longrope", 30)]
    public void Logits_beyond_the_length_of_pretraining(string name, int length)
    {
        using var model = TinyLlama.Create(FamilyConfigs.Of(name));
        var ids = Enumerable.Range(0, length).Select(i => i * 7L % 19).ToArray();
        AssertSame(Naive(model, ids), Logits(model, ids));
        AssertSame(Naive(model, Prompt), Logits(model, Prompt));
    }

    [Theory, MemberData(nameof(Names))]
    public void Read_in_pieces_as_at_once(string name)
    {
        using var model = TinyLlama.Create(FamilyConfigs.Of(name));
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        using var cache = new KeyValueCache(model.NumHiddenLayers, Prompt.Length);
        var whole = Logits(model, Prompt);
        var read = 0;
        foreach (var count in new[] { 5, 1, 3, 1, 1 })
        {
            var rows = TinyLlama.Rows(model.Logits(model.Hidden(TinyLlama.Ids(Prompt[read..(read + count)]), cache)));
            AssertSame(whole[read..(read + count)], rows);
            read += count;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Padding_on_either_side_changes_nothing_for_the_tokens(string name)
    {
        using var model = TinyLlama.Create(FamilyConfigs.Of(name));
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var (time, padding) = (Prompt.Length, 4);
        var left = Enumerable.Repeat(12L, padding).Concat(Prompt).ToArray();
        var right = Prompt.Concat(Enumerable.Repeat(12L, padding)).ToArray();
        var isToken = Enumerable.Range(0, time + padding).Select(i => i >= padding).Concat(Enumerable.Range(0, time + padding).Select(i => i < time)).ToArray();

        var ids = tensor(left.Concat(right).ToArray(), [2, time + padding]);
        var rows = TinyLlama.Rows(model.Logits(model.Hidden(ids, tokens: tensor(isToken, [2, time + padding]))));

        var alone = Logits(model, Prompt);
        AssertSame(alone, rows[padding..(time + padding)]);
        AssertSame(alone, rows[(time + padding)..(2 * time + padding)]);
    }

    [Theory, MemberData(nameof(Names))]
    public void Merged_as_unmerged_and_a_new_adapter_changes_no_bit(string name)
    {
        using var model = TinyLlama.Create(FamilyConfigs.Of(name));
        var before = Logits(model, Prompt);
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = 3, TargetModulesPattern = LoraConfig.AllLinear });
        model.ActiveAdapter = adapter;
        Assert.Equal(before, Logits(model, Prompt));

        TinyLlama.Randomize(adapter);
        var unmerged = Logits(model, Prompt);
        AssertSame([.. new NaiveLlama(model, adapter).Logits([.. Prompt.Select(id => (int)id)])], unmerged);
        model.Merge(adapter);
        var merged = Logits(model, Prompt);
        var size = unmerged.Max(row => row.Max(Math.Abs));
        Assert.All(unmerged.Zip(merged), rows => Assert.All(rows.First.Zip(rows.Second), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * size)));
    }

    [Theory, MemberData(nameof(Names))]
    public void A_config_comes_back(string name)
    {
        using var folder = new LoraGen.Tests.Files.ScratchFolder();
        var path = folder.PathOf("config.json");
        FamilyConfigs.Of(name).Write(path);
        Assert.Equivalent(FamilyConfigs.Of(name), LlamaConfig.Read(path), strict: true);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("mistral, sliding_window")]
    [InlineData("qwen2, max_window_layers")]
    [InlineData("qwen3")]
    public void A_short_training_lowers_the_loss(string name)
    {
        using var model = TinyLlama.Create(FamilyConfigs.Of(name));
        using var generator = new Generator(5, CPU);
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = 4, TargetModulesPattern = LoraConfig.AllLinear }, generator);
        model.ActiveAdapter = adapter;
        using var optimizer = optim.AdamW(adapter.parameters(), lr: 1e-2);
        var losses = new List<float>();
        for (var step = 0; step < 15; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            var logits = model.call(TinyLlama.Ids(Prompt[..^1]));
            var loss = nn.functional.cross_entropy(logits.squeeze(0), tensor(Prompt[1..]));
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }

        Assert.True(losses[^1] < 0.5 * losses[0], string.Join(", ", losses));
    }

    private static double[][] Logits(LlamaForCausalLM model, long[] prompt)
    {
        using var ids = TinyLlama.Ids(prompt);
        return TinyLlama.Logits(model, ids);
    }

    private static double[][] Naive(LlamaForCausalLM model, long[] prompt) => new NaiveLlama(model).Logits([.. prompt.Select(id => (int)id)]);

    private static void AssertSame(double[][] expected, double[][] found)
    {
        Assert.Equal(expected.Length, found.Length);
        foreach (var (wanted, row) in expected.Zip(found))
        {
            TinyLlama.AssertClose(wanted, row);
        }
    }
}
