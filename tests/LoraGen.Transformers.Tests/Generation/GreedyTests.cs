using System.Text.Json;
using LoraGen.Tests.RealAdapters;
using LoraGen.Transformers.Generation;
using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Tests.Llama;
using TorchSharp;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>Prompts of any lengths, written on together, become what each becomes alone in float64.</summary>
public sealed class GreedyTests : IDisposable
{
    private const int NoEnd = -1;

    private static readonly int[][] Prompts = [[3, 18, 0, 7], [5], [1, 2, 3, 4, 5, 6, 7], [9, 9]];

    private readonly LlamaForCausalLM _model = TinyLlama.Create(TinyLlama.Config());

    public void Dispose() => _model.Dispose();

    // Left padding takes part in the batch, and must not take part in any row's attention.
    [Fact]
    public void A_batch_of_different_lengths()
    {
        var found = Decode(Prompts, endId: 0, maxNewTokens: 12);
        foreach (var (prompt, written) in Prompts.Zip(found))
        {
            Assert.Equal(Alone(prompt, endId: 0, maxNewTokens: 12), written);
        }
    }

    [Fact]
    public void Without_a_cache_as_with_one() => Assert.Equal(Decode(Prompts, NoEnd, 12), Decode(Prompts, NoEnd, 12, useCache: false));

    [Fact]
    public void Each_prompt_by_itself()
        => Assert.All(Prompts, prompt => Assert.Equal(Alone(prompt, endId: 0, maxNewTokens: 12), Decode([prompt], endId: 0, maxNewTokens: 12)[0]));

    // The end token is chosen to be one that is written half way.
    [Fact]
    public void A_row_ends_before_the_end_token_while_others_go_on()
    {
        var free = Alone(Prompts[0], NoEnd, 12);
        var end = free[5];
        var expected = Prompts.Select(prompt => Alone(prompt, end, 12)).ToList();
        Assert.InRange(expected[0].Length, 0, 5);
        Assert.Contains(expected, written => written.Length > expected[0].Length);
        Assert.Equal(expected, Decode(Prompts, end, 12).Select(written => written.ToArray()));
    }

    // Others trained this model and computed its greedy ids in float64.
    [Fact]
    public void A_trained_model_writes_its_golden_ids()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(SharedData.PathOf("lm/stories260K/golden.json")));
        using var model = LlamaForCausalLM.Load(SharedData.PathOf("lm/stories260K/hf"));
        var ids = golden.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
        var options = new GenerationOptions { MaxNewTokens = ids.Length - 1, EosTokenIds = [] };
        Assert.Equal(ids[1..], model.Write([ids[..1]], options)[0].Ids);
        Assert.Equal(ids[30..], model.Write([ids[..30], ids[..7]], options with { MaxNewTokens = ids.Length - 30 })[0].Ids);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void No_more_tokens_than_asked_for(int maxNewTokens)
        => Assert.All(Decode(Prompts, endId: 0, maxNewTokens), written => Assert.InRange(written.Count, 0, maxNewTokens));

    [Fact]
    public void Nothing_is_left_behind()
    {
        Decode(Prompts, endId: 0, maxNewTokens: 4);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Decode(Prompts, endId: 0, maxNewTokens: 4);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private IReadOnlyList<IReadOnlyList<int>> Decode(int[][] prompts, int endId, int maxNewTokens, bool useCache = true)
    {
        var options = new GenerationOptions { MaxNewTokens = maxNewTokens, EosTokenIds = [endId], UseCache = useCache };
        return [.. _model.Write(prompts, options).Select(result => result.Ids)];
    }

    private int[] Alone(int[] prompt, int endId, int maxNewTokens)
    {
        var naive = new NaiveLlama(_model);
        var ids = prompt.ToList();
        while (ids.Count < prompt.Length + maxNewTokens)
        {
            var logits = naive.Logits(ids)[^1];
            var next = Array.IndexOf(logits, logits.Max());
            if (next == endId)
                break;
            ids.Add(next);
        }

        return [.. ids.Skip(prompt.Length)];
    }
}
