using LoraGen.Transformers.Attention;
using System.Text.Json;
using LoraGen.Tests.RealAdapters;
using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>A model that others trained, and the ids and logits that others computed for it in float64.</summary>
public sealed class Stories260KTests
{
    [Fact]
    public void Its_logits()
    {
        using var golden = Golden();
        using var model = LlamaForCausalLM.Load(SharedData.PathOf("lm/stories260K/hf"));
        var ids = Ids(golden);
        using var input = TinyLlama.Ids(ids[..^1]);

        var logits = TinyLlama.Logits(model, input);

        for (var position = 0; position < 4; position++)
        {
            AssertClose(golden.RootElement.GetProperty("logits_first4")[position], logits[position]);
        }

        AssertClose(golden.RootElement.GetProperty("logits_last"), logits[^1]);
    }

    [Fact]
    public void Its_greedy_ids()
    {
        using var golden = Golden();
        using var model = LlamaForCausalLM.Load(SharedData.PathOf("lm/stories260K/hf"));
        var ids = Ids(golden);
        using var inference = no_grad();
        using var cache = new KeyValueCache(5, 512);
        for (var position = 0; position + 1 < ids.Length; position++)
        {
            using var scope = NewDisposeScope();
            var logits = model.Logits(model.Hidden(TinyLlama.Ids(ids[position]), cache));
            Assert.Equal(ids[position + 1], logits.argmax(-1).item<long>());
        }
    }

    private static JsonDocument Golden() => JsonDocument.Parse(File.ReadAllText(SharedData.PathOf("lm/stories260K/golden.json")));

    private static long[] Ids(JsonDocument golden) => [.. golden.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt64())];

    // fp32 against float64, through five layers.
    private static void AssertClose(JsonElement expected, double[] found)
        => Assert.All(expected.EnumerateArray().Zip(found), pair => Assert.Equal(pair.First.GetDouble(), pair.Second, tolerance: 1e-4));
}
