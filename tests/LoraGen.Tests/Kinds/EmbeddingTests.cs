using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Kinds;

/// <summary>An embedding is a linear projection of one-hot vectors: y = W[ids].</summary>
public sealed class EmbeddingTests : OneProjectionTests<OneEmbedding, OneEmbedding.Adapter>
{
    protected override (string A, string B) Keys => ("lora_embedding_A", "lora_embedding_B");

    protected override OneEmbedding Model(ScalarType dtype = ScalarType.Float32) => new(In, Out, dtype);

    protected override OneEmbedding.Adapter Load(string folder, OneEmbedding model) => OneEmbedding.Adapter.Load(folder, model);

    // One id twice, the first and the last.
    protected override Tensor Input(ScalarType dtype) => tensor(new long[] { 4, 0, In - 1, 4, 17, 9, 30, 2, 4, 11 }).view(2, 5);

    protected override double[,] Rows(Tensor input)
    {
        var ids = Values.Flat(input);
        var rows = new double[ids.Length, In];
        for (var n = 0; n < ids.Length; n++)
        {
            rows[n, (int)ids[n]] = 1;
        }

        return rows;
    }

    // Its attribute gives 0.5, and a new module is in training mode.
    // As PEFT's one lora_dropout is that of the others.
    [Fact]
    public void Its_dropout_need_not_be_that_of_the_others()
    {
        using var folder = new ScratchFolder();
        using var model = new Words();
        using var adapter = model.CreateAdapter();
        Assert.Equal(["wte", "fc"], adapter.Updates.Select(update => update.Path));
        adapter.Save(folder.Path);
        Assert.Equal(0.25, JsonNode.Parse(File.ReadAllText(Path.Combine(folder.Path, "adapter_config.json")))!["lora_dropout"]!.GetValue<double>());
        Assert.Equal(0.25, Words.Adapter.Load(folder.Path, model).fc.Dropout);
    }

    [Fact]
    public void Dropout_is_not_applied()
    {
        using var scope = NewDisposeScope();
        using var model = Model();
        using var adapter = model.CreateAdapter().Trained();
        model.ActiveAdapter = adapter;
        var ids = Input(ScalarType.Float32);
        var training = Base.Bytes(model.call(ids));
        model.eval();
        Assert.Equal(Base.Bytes(model.call(ids)), training);
    }

    [Fact]
    public void Ids_may_be_32_bits_wide_and_none_at_all()
    {
        using var scope = NewDisposeScope();
        using var model = Model();
        using var adapter = model.CreateAdapter().Trained();
        model.ActiveAdapter = adapter;
        var ids = Input(ScalarType.Float32);
        Assert.Equal(Base.Bytes(model.call(ids)), Base.Bytes(model.call(ids.to_type(ScalarType.Int32))));
        Assert.Equal([0, Out], model.call(empty(0, dtype: ScalarType.Int64)).shape);
        Assert.Equal([Out], model.call(tensor(3L)).shape);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Max_norm_is_refused_since_the_base_rewrites_its_weight(bool madeForInference)
    {
        using var mode = inference_mode(madeForInference);
        using var model = new OneEmbedding(In, Out, maxNorm: 1e6);
        using var other = new OneEmbedding(In, Out, paddingIdx: 3);
        mode.Dispose();
        var before = Base.Bytes(model);

        var refusal = Assert.Throws<LoraException>(() => model.CreateAdapter());

        Assert.StartsWith("proj: expected an embedding without max_norm", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
        other.CreateAdapter().Dispose();
    }
}
