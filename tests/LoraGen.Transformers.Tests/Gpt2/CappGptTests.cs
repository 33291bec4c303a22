using System.Text.Json;
using LoraGen.Tests.RealAdapters;
using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>A model that others trained, and the ids and logits that others computed for it in float64.</summary>
public sealed class CappGptTests : IDisposable
{
    private readonly Gpt2LMHeadModel _model = Gpt2LMHeadModel.Load(SharedData.PathOf("lm/capp-gpt/hf"));
    private readonly JsonDocument _golden = JsonDocument.Parse(File.ReadAllText(SharedData.PathOf("lm/capp-gpt/golden.json")));

    public void Dispose()
    {
        _golden.Dispose();
        _model.Dispose();
    }

    // fp32 against float64, through four layers; the logits reach 20.
    [Fact]
    public void Its_logits()
    {
        foreach (var golden in Cases())
        {
            var expected = golden.GetProperty("logits_prompt").EnumerateArray().Select(row => row.EnumerateArray().Select(logit => logit.GetDouble()).ToArray());
            var found = TinyGpt2.Logits(_model, Ids(golden)[..golden.GetProperty("prompt").GetArrayLength()]);
            Assert.All(expected.Zip(found), rows => Assert.All(rows.First.Zip(rows.Second), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-4)));
        }
    }

    [Fact]
    public void Its_greedy_ids()
    {
        foreach (var golden in Cases())
        {
            using var scope = NewDisposeScope();
            using var inference = no_grad();
            using var cache = new KeyValueCache(4, 64);
            var ids = Ids(golden);
            var prompt = golden.GetProperty("prompt").GetArrayLength();
            var read = ids[..prompt];
            for (var position = prompt; position < ids.Length; position++)
            {
                var hidden = _model.Hidden(TinyModel.Ids(read), cache).select(1, -1);
                Assert.Equal(ids[position], _model.Logits(hidden).argmax(-1).item<long>());
                read = [ids[position]];
            }
        }
    }

    private JsonElement.ArrayEnumerator Cases() => _golden.RootElement.GetProperty("cases").EnumerateArray();

    private static int[] Ids(JsonElement golden) => [.. golden.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
}
