using LoraGen.Safetensors;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Reference;

/// <summary>Models of a few thousand random weights, large enough in their values that every part shows in the logits.</summary>
internal static class TinyModel
{
    public static TModel Filled<TModel>(TModel model)
        where TModel : nn.Module
    {
        using var inference = no_grad();
        using var generator = new Generator(3, CPU);
        foreach (var (name, parameter) in model.named_parameters())
        {
            _ = (parameter.dim(), name.EndsWith("bias", StringComparison.Ordinal)) switch
            {
                (1, false) => parameter.uniform_(0.5, 1.5, generator),
                _ => parameter.normal_(0, 0.3, generator),
            };
        }

        model.eval();
        return model;
    }

    /// <summary>Values for an adapter, so that every update is far from zero.</summary>
    public static TAdapter Random<TAdapter>(TAdapter adapter)
        where TAdapter : LoraAdapter
    {
        using var inference = no_grad();
        using var generator = new Generator(8, CPU);
        foreach (var update in adapter.Updates)
        {
            update.A.normal_(0, 0.2, generator);
            update.B.normal_(0, 0.2, generator);
        }

        return adapter;
    }

    public static Tensor Ids(params int[][] rows) => tensor([.. rows.SelectMany(row => row).Select(id => (long)id)], [rows.Length, rows[0].Length]);

    /// <summary>Rows of 1 for tokens and 0 for padding, as a mask.</summary>
    public static Tensor Tokens(params int[][] rows) => Ids(rows).to_type(ScalarType.Bool);

    /// <summary>A tensor as rows of its last axis, in float64; the tensor is disposed.</summary>
    public static double[][] Rows(Tensor tensor)
    {
        using (tensor)
        {
            return [.. Values.Flat(tensor).Chunk((int)tensor.shape[^1])];
        }
    }

    /// <summary>Writes a checkpoint of these weights under other keys, with more tensors, or without some.</summary>
    public static void Write(string folder, string config, nn.Module model, Func<string, string?>? rename = null, params (string Key, Tensor Value)[] more)
    {
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        var tensors = model.state_dict()
            .Select(item => (Key: rename is null ? item.Key : rename(item.Key), item.Value))
            .Where(item => item.Key is not null)
            .Select(item => (item.Key!, item.Value))
            .Concat(more)
            .ToDictionary(item => item.Item1, item => item.Value);
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors, new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>Some twenty products of up to forty terms follow each other, each exact to about 1e-6 of the sizes in it.</summary>
    public static void AssertClose(double[] expected, double[] found, double tolerance = 2e-5)
    {
        Assert.Equal(expected.Length, found.Length);
        var size = expected.Max(Math.Abs);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance: tolerance * size));
    }

    public static void AssertClose(IEnumerable<double[]> expected, IEnumerable<double[]> found, double tolerance = 2e-5)
    {
        var (wanted, had) = (expected.ToList(), found.ToList());
        Assert.Equal(wanted.Count, had.Count);
        Assert.All(wanted.Zip(had), pair => AssertClose(pair.First, pair.Second, tolerance));
    }
}
