using System.Text.Json;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;

namespace LoraGen.Tests.RealAdapters;

/// <summary>Adapters that PEFT wrote for linear projections and for GPT-2's: their keys, shapes, values and scales, and back again.</summary>
public sealed class AcceptedTests
{
    [Fact]
    public void Llama_3_2_1B_with_grouped_query_heads()
        => Check("llama3.2-1b-r8", new PretendBase(model: Layers(16, () => new PretendBase.Attention(2048, q: 2048, v: 512))), 32, factor: 4);

    [Theory]
    [InlineData("tinyllama-r4-therapist")]
    [InlineData("tinyllama-r4-keywords")]
    public void TinyLlama(string name)
        => Check(name, new PretendBase(model: Layers(22, () => new PretendBase.Attention(2048, q: 2048, v: 256))), 44, factor: 2);

    [Fact]
    public void OPT_in_bf16()
        => Check(
            "opt125m-bf16-r16",
            new PretendBase(model: new PretendBase.Stack(decoder: Layers(12, () => new PretendBase.Attention(768, q: 768, v: 768)))),
            24,
            factor: 2);

    [Fact]
    public void GPT_NeoX_in_fp16_of_rank_one()
        => Check(
            "gptneox-calm1b-f16-r1",
            new PretendBase(gptNeox: new PretendBase.Stack(layers: List(24, () => new PretendBase.Layer(attention: new PretendBase.Attention(2048, queryKeyValue: 6144))))),
            24,
            factor: 32);

    // c_attn of every layer, and both projections of the name c_proj.
    [Fact]
    public void GPT_2_whose_weights_are_in_by_out()
        => Check(
            "gpt2-causal-cattn-cproj-r8",
            new PretendBase(transformer: new PretendBase.Stack(h: List(12, () => new PretendBase.Layer(
                attn: new PretendBase.Transposed(768, 768, attention: 2304),
                mlp: new PretendBase.Transposed(3072, 768))))),
            36,
            factor: 4);

    // Its config lists q, k, v and o, and its base has o alone; B is zero throughout.
    [Fact]
    public void Stella_whose_config_names_projections_that_its_base_lacks()
    {
        using var adapter = Check(
            "stella400m-oproj-noop-r16",
            new PretendBase(encoder: new PretendBase.Stack(layer: List(24, () => new PretendBase.Layer(attention: new PretendBase.Attention(1024, o: 1024))))),
            24,
            factor: 2);
        Assert.All(adapter.Updates, update => Assert.Equal(0, update.B.abs().max().item<float>()));
    }

    private static PretendBase.Adapter Check(string name, PretendBase model, int count, double factor)
    {
        var folder = SharedData.PathOf($"adapters/{name}");
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors")));
        using var options = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")));

        var adapter = PretendBase.Adapter.Load(folder, model);

        Assert.Equal(count, adapter.Updates.Count);
        Assert.Equal(file.Tensors.Count, 2 * count);
        Assert.All(adapter.Updates, update => Assert.Equal(factor, update.Scale.Factor));
        Assert.All(adapter.Updates, update => Assert.Equal(options.RootElement.GetProperty("lora_dropout").GetDouble(), update.Dropout));
        foreach (var update in adapter.Updates)
        {
            AssertEqual(file.Tensors[$"base_model.model.{update.Path}.lora_A.weight"], update.A);
            AssertEqual(file.Tensors[$"base_model.model.{update.Path}.lora_B.weight"], update.B);
        }

        // The first update as one product in float64.
        var first = adapter.Updates[0];
        using var delta = first.Delta();
        var (a, b, found) = (Values.Matrix(first.A), Values.Matrix(first.B), Values.Matrix(first is Conv1DUpdate ? delta.t() : delta));
        for (var o = 0; o < 8; o++)
        {
            for (var i = 0; i < 8; i++)
            {
                var (sum, size) = (0.0, 0.0);
                for (var k = 0; k < first.Scale.Rank; k++)
                {
                    sum += factor * b[o, k] * a[k, i];
                    size += Math.Abs(factor * b[o, k] * a[k, i]);
                }

                Assert.Equal(sum, found[o, i], tolerance: (first.Scale.Rank + 2) * Rounding.Float32 * size);
            }
        }

        using var scratch = new ScratchFolder();
        adapter.Save(scratch.Path);
        using var again = PretendBase.Adapter.Load(scratch.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(again));
        return adapter;
    }

    // Half-precision values are widened exactly, so that the comparison is of numbers.
    private static void AssertEqual(SafetensorsBytes.Stored expected, Parameter found)
    {
        Assert.Equal(expected.Shape, found.shape);
        double[] values = expected.Dtype switch
        {
            "F32" => [.. expected.Data.Chunk(4).Select(bytes => (double)BitConverter.ToSingle(bytes))],
            "F16" => [.. expected.Data.Chunk(2).Select(bytes => (double)BitConverter.ToHalf(bytes))],
            _ => [.. expected.Data.Chunk(2).Select(bytes => (double)BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(bytes) << 16))],
        };
        Assert.Equal(values, Values.Flat(found));
    }

    private static PretendBase.Stack Layers(int count, Func<PretendBase.Attention> attention)
        => new(layers: List(count, () => new PretendBase.Layer(selfAttn: attention())));

    private static ModuleList<PretendBase.Layer> List(int count, Func<PretendBase.Layer> layer)
        => new([.. Enumerable.Range(0, count).Select(_ => layer())]);
}
