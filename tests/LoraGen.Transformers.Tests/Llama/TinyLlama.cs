using LoraGen.Tests.Reference;
using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>A Llama of a few thousand random weights, large enough in their values that every part of it shows in the logits.</summary>
internal static class TinyLlama
{
    public static LlamaConfig Config(bool tied = true, int heads = 4, int keyValueHeads = 2) => new()
    {
        VocabSize = 19,
        HiddenSize = 24,
        IntermediateSize = 40,
        NumHiddenLayers = 2,
        NumAttentionHeads = heads,
        NumKeyValueHeads = keyValueHeads,
        MaxPositionEmbeddings = 32,
        RmsNormEps = 1e-5,
        TieWordEmbeddings = tied,
        TorchDtype = "float32",
    };

    public static LlamaForCausalLM Create(LlamaConfig config)
    {
        var model = new LlamaForCausalLM(config);
        using var inference = no_grad();
        using var generator = new Generator(3, CPU);
        foreach (var parameter in model.parameters())
        {
            _ = parameter.dim() == 1 ? parameter.uniform_(0.5, 1.5, generator) : parameter.normal_(0, 0.3, generator);
        }

        return model;
    }

    /// <summary>Gives an adapter's B values, so that it changes every projection.</summary>
    public static void Randomize(LlamaForCausalLM.Adapter adapter)
    {
        using var inference = no_grad();
        using var generator = new Generator(8, CPU);
        foreach (var update in adapter.Updates)
        {
            update.B.normal_(0, 0.1, generator);
        }
    }

    public static Tensor Ids(params long[] ids) => tensor(ids).unsqueeze(0);

    /// <summary>The logits of the first sequence of a batch, after each token.</summary>
    public static double[][] Logits(LlamaForCausalLM model, Tensor ids)
    {
        using var inference = no_grad();
        using var logits = model.call(ids);
        return Rows(logits);
    }

    public static double[][] Rows(Tensor logits) => [.. Values.Flat(logits).Chunk((int)logits.shape[^1])];

    /// <summary>
    /// Some fifteen products of up to forty terms follow each other, each exact to about 1e-6 of the sizes in it.
    /// </summary>
    public static void AssertClose(double[] expected, double[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        var size = expected.Max(Math.Abs);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance: 2e-5 * size));
    }
}
